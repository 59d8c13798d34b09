package eval

import "qiuzhen/eval/stats"

// Figure is a mean with its 95% interval over n values.
type Figure struct {
	Value, Low, High float64
	N                int
}

const (
	bootstrapSamples = 1000
	bootstrapSeed    = 20261125
	// eceBins is the number of equally wide bins of P for the calibration error.
	eceBins = 10
)

// Mean is the mean of the values with its interval of stats.ClusterBootstrap. Values of one cluster are drawn together, since
// they are not independent; cluster may be nil: each value by itself. No values give nil.
func Mean(values []float64, cluster func(i int) string) *Figure {
	if len(values) == 0 {
		return nil
	}
	var clusters []string
	if cluster != nil {
		clusters = make([]string, len(values))
		for i := range values {
			clusters[i] = cluster(i)
		}
	}
	low, high := stats.ClusterBootstrap(values, clusters, bootstrapSeed, bootstrapSamples)
	return &Figure{stats.Mean(values), low, high, len(values)}
}
