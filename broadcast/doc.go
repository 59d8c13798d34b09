// Package broadcast sends messages to many: it delivers what was approved and fanned out (Worker), through one Sender a channel.
package broadcast
