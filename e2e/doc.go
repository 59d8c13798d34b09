// Package e2e drives the real binary through real Chromium. It is a module of its own, so that the program does not depend on a
// browser's driver; scripts/e2e (make e2e) fetches what it needs and runs it.
//
// A page is checked by visit.check: axe finds no violation, nothing scrolls sideways at 360 and 1280 wide, the HTML as it was served is
// valid, and with --pictures DIR there is a picture of it. Public pages are a line of publicPages (pages_test.go).
//
// Where nginx is installed, the configuration that docs/operate.zh-CN.md prints is tried (guideproxy_test.go, guidenodes_test.go); E2E_PROXY=1 has all tests go through it.
package e2e
