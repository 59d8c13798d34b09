package retrieval

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"qiuzhen/text"
)

// TokenEmbedder gives of each text its vector, as Embed does, its word pieces and of each piece its last hidden state, of unit length (text x
// dimension, text x piece, text x piece x dimension). Texts are read one by one: a state does not depend on the other texts.
type TokenEmbedder interface {
	EmbedTokens(ctx context.Context, texts []string) (vectors [][]float32, pieces [][]string, states [][][]float32, err error)
}

// alignedSide are the figures of late interaction for one side: each token of one text beside the likest token of the other. Content
// tokens are those that are not functionWords.
var alignedSide = []string{
	"likeness",      // mean over all tokens of the cosine to the likest token of the other text
	"content",       // the same over content tokens
	"least",         // the least of those, the second least, and the mean of the three least
	"second_least",  //
	"least3",        //
	"strangers",     // share of content tokens whose likest token is below strange
	"others",        // share of content tokens whose likest token is another word piece
	"others_mean",   // mean cosine of those; 1 when there are none
	"others_lowest", // least cosine of those; 1 when there are none
}

// AlignedNames are the figures of a message beside the jury's wordings, the mean over those: the message's tokens, then the wordings'.
var AlignedNames = slices.Concat(prefixed("tokens_", alignedSide), prefixed("wording_tokens_", alignedSide))

const (
	// strange is the cosine below which the likest token means something else.
	strange = 0.6
	// maxAligned bounds the tokens of a text that are compared; what a claim says stands before.
	maxAligned = 96
)

// functionWords are word pieces that say little by themselves.
var functionWords = func() map[string]bool {
	out := map[string]bool{}
	for _, c := range strings.Split(`的了吗呢吧啊呀嘛么哦着过和与跟及是在就都也还又要会能可以不没这那你我他她它们个有说听人家一把被让给对从到上下里很最更太真好啥什怎几多少为因所但而且如果或者并当请大来去得地之其此该等`+
		`,.?!:;"'()[]{}<>~-—…、，。？！：；“”‘’（）《》【】`, "") {
		out[c] = true
	}
	return out
}()

// tokens are a text's word pieces with their states; none of them: it was not read token by token.
type tokens struct {
	pieces []string
	states [][]float32
}

// Aligner compares messages with wordings token by token. Wordings' states are kept, since the same entries are asked for again and again.
type Aligner struct {
	embedder TokenEmbedder
	kept     *lru.Cache[string, packed]
}

// NewAligner keeps the states of that many texts: about 26 kB each for 25 tokens of 512 dimensions.
func NewAligner(e TokenEmbedder, keep int) (*Aligner, error) {
	kept, err := lru.New[string, packed](keep)
	if err != nil {
		return nil, err
	}
	return &Aligner{e, kept}, nil
}

// read gives a message's vector and what Align needs of it, by one inference.
func (a *Aligner) read(ctx context.Context, message string) ([]float32, tokens, error) {
	vectors, pieces, states, err := a.embedder.EmbedTokens(ctx, []string{message})
	if err != nil {
		return nil, tokens{}, err
	}
	return vectors[0], tokens{pieces[0], states[0]}.first(), nil
}

// Align fills in what the verifier reads of the message's and the jury's tokens.
func (a *Aligner) Align(ctx context.Context, e Evidence) (Evidence, error) {
	message, wordings, err := a.tokens(ctx, e, e.jury())
	if err != nil {
		return e, err
	}
	e.aligned = make([]float64, len(AlignedNames))
	for _, w := range wordings {
		for i, v := range aligned(message, w) {
			e.aligned[i] += v / float64(len(wordings))
		}
	}
	return e, nil
}

// Aligned reports whether the evidence was compared token by token; what is said word by word never is.
func (e Evidence) Aligned() bool { return e.aligned != nil }

// tokens reads those of the wordings that are not kept, and the message where the search has not; a message is never kept.
func (a *Aligner) tokens(ctx context.Context, e Evidence, wordings []string) (tokens, []tokens, error) {
	all := make([]tokens, len(wordings))
	var read []string
	var at []int
	for i, w := range wordings {
		if p, ok := a.kept.Get(w); ok {
			all[i] = p.unpack()
		} else {
			read, at = append(read, text.Normalize(w)), append(at, i)
		}
	}
	message := e.said
	if message.pieces == nil {
		read = append(read, e.segment)
	}
	if len(read) == 0 {
		return message, all, nil
	}
	_, pieces, states, err := a.embedder.EmbedTokens(ctx, read)
	if err != nil {
		return tokens{}, nil, err
	}
	for k, i := range at {
		p := pack(tokens{pieces[k], states[k]}.first())
		a.kept.Add(wordings[i], p)
		all[i] = p.unpack() // the same before and after it was kept
	}
	if last := len(at); last < len(read) {
		message = tokens{pieces[last], states[last]}.first()
	}
	return message, all, nil
}

// first are the tokens that are compared: a copy, so that the rest is let go.
func (t tokens) first() tokens {
	n := min(maxAligned, len(t.pieces))
	return tokens{slices.Clone(t.pieces[:n]), slices.Clone(t.states[:n])}
}

// packed are tokens with their states in sixteen bits: half the memory, and the same cosines to five places.
type packed struct {
	pieces []string
	scales []float32 // of each token: its state is scale times its part of states
	states []int16
}

const packedMax = math.MaxInt16

func pack(t tokens) packed {
	p := packed{pieces: t.pieces, scales: make([]float32, len(t.states))}
	if len(t.states) > 0 {
		p.states = make([]int16, 0, len(t.states)*len(t.states[0]))
	}
	for i, state := range t.states {
		var most float32
		for _, x := range state {
			most = max(most, x, -x)
		}
		if most == 0 {
			most = 1
		}
		p.scales[i] = most / packedMax
		for _, x := range state {
			p.states = append(p.states, int16(math.RoundToEven(float64(x/most)*packedMax)))
		}
	}
	return p
}

func (p packed) unpack() tokens {
	t := tokens{pieces: p.pieces, states: make([][]float32, len(p.scales))}
	if len(p.scales) == 0 {
		return t
	}
	dimensions := len(p.states) / len(p.scales)
	all := make([]float32, len(p.states))
	for i, scale := range p.scales {
		state := all[i*dimensions : (i+1)*dimensions]
		for k, x := range p.states[i*dimensions : (i+1)*dimensions] {
			state[k] = scale * float32(x)
		}
		t.states[i] = state
	}
	return t
}

// aligned are the two sides' figures, as AlignedNames.
func aligned(message, wording tokens) []float64 {
	if len(message.pieces) == 0 || len(wording.pieces) == 0 {
		return make([]float64, len(AlignedNames))
	}
	forth, back := likest(message, wording)
	return append(side(message.pieces, wording.pieces, forth), side(wording.pieces, message.pieces, back)...)
}

// partner is the likest token of the other text.
type partner struct {
	at     int
	cosine float64
}

// likest finds the partner of every token of both texts.
func likest(a, b tokens) (ofA, ofB []partner) {
	ofA, ofB = make([]partner, len(a.states)), make([]partner, len(b.states))
	for j := range ofB {
		ofB[j].cosine = math.Inf(-1)
	}
	for i, x := range a.states {
		ofA[i].cosine = math.Inf(-1)
		for j, y := range b.states {
			c := dot(x, y)
			if c > ofA[i].cosine {
				ofA[i] = partner{j, c}
			}
			if c > ofB[j].cosine {
				ofB[j] = partner{i, c}
			}
		}
	}
	return ofA, ofB
}

// dot is unrolled: four sums run side by side. The race detector would make it ten times slower, for states that nobody writes to any more.
//
//go:norace
func dot(x, y []float32) float64 {
	var a, b, c, d float32
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a += x[i] * y[i]
		b += x[i+1] * y[i+1]
		c += x[i+2] * y[i+2]
		d += x[i+3] * y[i+3]
	}
	for ; i < len(x); i++ {
		a += x[i] * y[i]
	}
	return float64(a + b + c + d)
}

// side is alignedSide of the text with the given pieces.
func side(pieces, other []string, partners []partner) []float64 {
	var all, content, others []float64
	for i, p := range partners {
		all = append(all, p.cosine)
		if functionWords[pieces[i]] {
			continue
		}
		content = append(content, p.cosine)
		if pieces[i] != other[p.at] {
			others = append(others, p.cosine)
		}
	}
	if len(content) == 0 { // nothing but function words: they are the content
		content = slices.Clone(all)
	}
	slices.SortFunc(content, func(x, y float64) int { return cmp.Compare(x, y) })
	strangers, _ := slices.BinarySearch(content, strange)
	out := []float64{
		mean(all), mean(content), content[0], content[min(1, len(content)-1)], mean(content[:min(3, len(content))]),
		float64(strangers) / float64(len(content)), float64(len(others)) / float64(len(content)), 1, 1,
	}
	if len(others) > 0 {
		out[7], out[8] = mean(others), slices.Min(others)
	}
	return out
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
