package knowledge

import "time"

// Question is what readers asked and nothing vetted answered. Who asked is not told, and personal data in the words is masked.
type Question struct {
	ID      int64
	Words   string
	Asked   int // by so many readers
	Waiting int // so many of them want to be told
	First   time.Time
	Last    time.Time
	Entry   ID // answers it, now or once it is published; empty: none
}

// QuestionBacklog are questions that no entry answers yet.
type QuestionBacklog struct {
	Questions []Question // those asked most come first
	Of        int        // how many there are
}
