package bottest

// Kills tells for each kill of a process how many replies it made come twice: those that were on their way, the last that their readers had seen when
// the process was dead.
type Kills struct{ seen []map[string]int }

// After notes how many replies each reader had seen after a kill, before another process was there.
func (k *Kills) After(seen map[string]int) { k.seen = append(k.seen, seen) }

// Twice counts the replies that came twice, for each kill, and those that no kill explains. Again has by reader where a reply stands that repeats the one
// before it, counted from 0.
func (k *Kills) Twice(again map[string][]int) (perKill []int, unexplained int) {
	perKill = make([]int, len(k.seen))
	for reader, at := range again {
		for _, i := range at {
			if n := k.between(reader, i); n >= 0 {
				perKill[n]++
			} else {
				unexplained++
			}
		}
	}
	return perKill, unexplained
}

// between is the first kill after which a reader had seen so many replies; -1 for none.
func (k *Kills) between(reader string, seen int) int {
	for n, after := range k.seen {
		if after[reader] == seen {
			return n
		}
	}
	return -1
}
