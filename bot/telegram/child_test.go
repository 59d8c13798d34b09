package telegram_test

const childDSN = "QIUZHEN_TELEGRAM_CHILD"

func child(string) {}
