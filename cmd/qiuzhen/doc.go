// Qiuzhen (求真) keeps vetted science content and answers people's messages from it, with a verdict, a reason, what
// to do and the named source, or says honestly that nothing vetted was found.
//
// # The way of one message
//
//	channel (ask, chat, HTTP API, bot/web, bot/telegram, bot/wechat)
//	                            those that store a message until it is answered hide its phone and ID numbers first (text.Mask)
//	  -> bot.Desk.Handle         knows the reader: limits, commands, dialogues, groups, what is kept (ask and the API go round it)
//	  -> bot.Engine.Continue     one conversation engine for every channel; it knows what was said before
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
//   - bundle: the signed file in which cities share entries; bundle.Held decides what becomes of each here.
//   - ingest: files -> entries: read, lint, split into passages, embed, store; one transaction an entry. A file never takes the place of what people
//     did (postgres/files.go). Where there are accounts it wants --as: whoever wrote a draft that is nobody's could sign it. The first filling of an
//     installation, the demo's too, comes before anybody is there.
//     ingest/office makes drafts of foreign files, which ingest/read reads in a child process (read-document).
//   - authoring: what helps the writer of an entry before anybody reviews it: readability, duplicates, contradictions.
//   - text: Chinese text for matching: normalise, traditional -> simplified, segment, terms, mask.
//   - embedding: text -> vector: ONNX in process, remote, a documented fake.
//   - retrieval: a message -> a conclusion; models/ has the fitted scorer and classifiers.
//   - learn: logistic regression and boosted trees, fitted the same way every time.
//   - fetch: the one client that opens addresses strangers send.
//   - eval/stats: the statistics of evaluations, standard library only, equal to public implementations to 1e-9.
//   - eval: labelled wordings in (testdata/wordings), calibrated models out; rankings of BEIR folders with their figures.
//     eval/cases: what a reader may write and what must come of it (eval/cases/data), asked through the desk; runs, judgements, metrics
//     (docs/evaluation.md). A run is all that figures, comparisons and gates (eval/cases/gates.toml) are computed from.
//     eval/report: a run for people (one HTML file that stands alone) and for programs (JSON, JUnit XML).
//     Its annotate*.go are the experts' review of cases, on sheets; migrations/00023 holds that no step is left out.
//   - bot: a conclusion -> what the reader reads; the desk, one file a concern (limits, groups, choices, dialogue, opinion, subscribe, slow, due).
//     Readers' limits are a node's; what a group may ask holds over all (bot/budget.go, postgres/budget.go).
//     bot/bottest: conversations as data and the suite that every channel passes.
//   - site: what anybody may read: a page for each entry, feed, sitemap, /api/v1/entries; openapi.json describes the API and is tested.
//   - bot/web: the chat on web pages, at / of serve: whole without JavaScript. What forms led to lies in the inbox for two hours, so that any node
//     answers a form sent again with the same reply and shows the conversation. Recordings of answers are a node's own; their addresses name the bytes.
//   - bot/inbox: the worker over what channels delivered, under leases; bot/telegram: a Telegram bot, with a stand-in of its API for tests.
//   - bot/wechat: the official account of WeChat, with the rule of its five seconds and three posts; bot/wechat/wechattest stands in for
//     the platform. bot/media: words of pictures and recordings, and answers read aloud.
//   - broadcast: the emergency push: templates and entries -> a broadcast, its recipients' numbers and honest times; knowledge has its texts and
//     rules, migrations/00020 holds that a second person approves, postgres/audience.go finds whom it is for. Then Steward fans out, and a Worker a channel and node (Telegram's on the
//     one node that answers there) delivers, in the order of order.go: claims in the ledger (postgres/deliver*.go, migrations/00021) under leases, at the channel's rate over all nodes.
//   - broadcast/send: the senders of broadcasts, one a channel; senders.go here makes them from the settings. broadcast/sendertest: the suite that every
//     sender passes, and stand-ins of the platforms.
//   - cap: broadcasts as CAP 1.2 alerts, out and in, and their Atom feed. site serves those that were begun; broadcast.FromCAP makes drafts of others' alerts.
//   - sensing: what readers ask more than usual: messages -> topics, topics -> surges (docs/sensing.md); postgres/sensing.go counts.
//   - postgres: all SQL, one file a concept; what changes content does so in Store.change and ends with Auditor.Append; postgres/cluster runs the private server; migrations has the schema.
//     What the program does without being asked is a River job there (jobs.go): reviewers are told before what they signed ends. What only one
//     node may do at a time runs under alone.go: sending to Telegram, replies and broadcasts alike.
//   - page: what every web page shares: the table of routes and who may use them, headers, one stylesheet, whose proxies are believed,
//     and the page for an address that there is not.
//   - console: the staff's pages under /console: my queue, an entry beside its original, sign, return, publish, withdraw, a text box; what
//     readers asked, a new entry, a file to make drafts of; the emergency push: compose, approve, watch it by server-sent events, report;
//     what is asked more than usual.
//     What may be done is decided in postgres; a form carries the version and hash that were shown.
//   - e2e: a module of its own: the binary driven through Chromium, each page through axe and an HTML validator (make e2e); where nginx is installed
//     also behind the proxy that docs/operate.zh-CN.md prints.
//   - password: argon2id hashes of the staff's passwords.
//   - parts: where the pinned parts lie that scripts/setup fetched.
//   - this package: the only one that wires parts (app.go), with one file a subcommand.
//
// Imports point downwards; imports_test.go holds who may import whom.
//
// # Where to add
//
// A channel is a package under bot that turns what its platform delivers into bot.Message, hands it to the desk, shows bot.Reply and passes
// bottest.Conformance; where it refuses or fails it says bot.Refused, and what it kept for later it looks up again (Desk.Current). serve.go starts it. Where broadcasts go is a broadcast.Sender in broadcast/send, which passes sendertest.Suite. What readers say to the service itself is a line of commands in bot/commands.go. A web page is a page.Route with its Access;
// TestRoutes wants a row for it, and e2e's publicPages a line. A setting is
// one line of settingsTable. Regions are lines of knowledge/regions.tsv, or of a list that qiuzhen area import brings in. A danger or a kind of current fact is a pattern in retrieval/urgent.yaml or retrieval/live.yaml; phrasings that
// nobody can list go into eval/testdata/wordings/tune_*. A figure is a line of cases.Figures, with its definition in docs/evaluation.md. Content needs no code at all.
package main
