module github.com/theeye/theeye/clients/go

go 1.25.0
