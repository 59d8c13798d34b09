// Qiuzhen (求真) keeps vetted science content and answers people's messages from it, with a verdict, a reason, what
// to do and the named source, or says honestly that nothing vetted was found.
//
// # The way of one message
//
//	channel (ask, chat, HTTP API)
//	  -> bot.Handle, bot.Continue one conversation engine for every channel; Continue knows what was said before
//	  -> retrieval.Engine.Answer  text.SplitForwarding and Normalize; urgent and live checks (YAML patterns,
//	                              then a classifier over the vector); embedding.Model gives the vector, text.Segmenter the BM25 terms;
//	                              postgres.Store.Search, one hybrid SQL statement; Scorer: P(match), then the verifier's
//	                              trust over what Aligner compares token by token; decide
//	  -> bot.Render               the reader's words, danger first
//	  -> channel
//
// Each stage takes a value and returns a value; there is no event bus and no shared mutable state.
//
// # The parts
//
//   - knowledge: the domain, standard library only: Entry, Claim, Verdict, Source, Review.
//   - content: the starter pack, authored Markdown, embedded.
//   - ingest: files -> entries: read, lint, split into passages, embed, store; one transaction an entry.
//     ingest/office makes drafts of foreign files, which ingest/read reads in a child process (read-document).
//   - text: Chinese text for matching: normalise, traditional -> simplified, segment, terms, mask.
//   - embedding: text -> vector: ONNX in process, remote, a documented fake.
//   - retrieval: a message -> a conclusion; models/ has the fitted scorer and classifiers.
//   - learn: logistic regression and boosted trees, fitted the same way every time.
//   - fetch: the one client that opens addresses strangers send.
//   - eval: labelled wordings in (testdata/wordings), calibrated models out; rankings of BEIR folders with their figures.
//   - bot: a conclusion -> what the reader reads.
//   - bot/inbox: the worker over what channels delivered, under leases; bot/telegram: a Telegram bot, with a stand-in of its API for tests.
//   - bot/wechat: the official account of WeChat, with the rule of its five seconds and three posts; bot/wechat/wechattest stands in for
//     the platform. bot/media: words of pictures and recordings.
//   - postgres: all SQL, one file a concept; what changes content does so in Store.change and ends with Auditor.Append; postgres/cluster runs the private server; migrations has the schema.
//   - password: argon2id hashes of the staff's passwords.
//   - parts: where the pinned parts lie that scripts/setup fetched.
//   - this package: the only one that wires parts (app.go), with one file a subcommand.
//
// Imports point downwards; imports_test.go holds who may import whom.
//
// # Where to add
//
// A channel is a package beside bot that turns its messages into retrieval.Message, keeps a bot.Conversation for each reader and calls
// bot.Continue, so that follow-ups are understood; bot.Handle answers one message by itself. app.go starts it. A setting is one line of settingsTable. A danger or a kind of current fact is a pattern in
// retrieval/urgent.yaml or retrieval/live.yaml; phrasings that nobody can list go into eval/testdata/wordings/tune_*. Content needs no code at all.
package main
