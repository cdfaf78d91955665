package replaytest

const roleVariable = "REPLAYTEST_BUG"

func runPlanted() int { return 2 }
