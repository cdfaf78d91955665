package filter_test

import (
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query/filter"
)

// sample is an event with one value of every kind.
func sample() *filter.Event {
	return &filter.Event{
		Application: "shop", EventID: "12345", SessionID: "0192f0c1-6f3a-7b1e-8c2d-0123456789ab",
		Category: "page / interaction", Name: "view", SchemaVersion: 7,
		Timestamp:  time.Date(2026, 11, 27, 9, 0, 0, 123_456_000, time.UTC),
		ReceivedAt: time.Date(2026, 11, 27, 9, 0, 1, 0, time.UTC),
		Data: []byte(`{"n":9007199254740993,"f":1.5,"one":1.0,"t":"größe","zip":"01234","digits":"12345","empty":"","null":null,"yes":true,"no":false,
			"tags":["red","green",5],"none":[],"nested":[[1,2],[3],4],"items":[{"sku":"a","p":1},{"sku":"b"},{"p":9},7],"object":{"0":"zero","a.b":{"x y":1},"":2},
			"deep":{"a":[1.0,{"b":null}],"c":"d"},"$where":"w"}`),
	}
}

// What each condition means, by the readings of the specification.
func TestConditions(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		// numbers are exact decimals
		{"data.n=9007199254740993", true},
		{"data.n=9007199254740992", false},
		{"data.n>9007199254740992", true},
		{"data.n<=9007199254740993.0", true},
		{"data.n<9007199254740993.000000001", true},
		{"data.one=1", true},
		{"data.one=10e-1", true},
		{"data.f<1e999999999", true},
		{"data.f>-1e99999999999999999999999", true},
		{"data.f>1e-99999999999999999999999", true},
		{"data.f in [1,1.50]", true},
		// text, by its bytes
		{"data.t=größe", true},
		{"data.t>gr", true},
		{"data.t>z", false},
		{"data.t^=grö", true},
		{"data.t*=öß", true},
		{"data.t*=", true},
		{"data.t^=Grö", false},
		{"data.zip=01234", true},
		{"data.zip^=01", true},
		{"data.zip*=23", true},
		{"data.digits=12345", false},
		{`data.digits="12345"`, true},
		{"data.empty=", true},
		{"data.empty exists", true},
		// different kinds
		{"data.t=1", false},
		{"data.t!=1", true},
		{"data.t>1", false},
		{"data.t<1", false},
		{"data.n>a", false},
		{"data.n<a", false},
		{"data.n^=9", false},
		{"data.yes=true", true},
		{"data.yes>false", false},
		{"data.yes>=true", false},
		{"data.yes=false", false},
		{`data.yes="true"`, false},
		// null and missing
		{"data.null=null", true},
		{"data.null exists", true},
		{"data.null!=null", false},
		{"data.null<=null", false},
		{"data.null!=5", true},
		{"data.absent=null", false},
		{"data.absent!=null", true},
		{"data.absent exists", false},
		{"data.absent exists false", true},
		{"data.absent>=", false},
		{"data.absent in [null]", false},
		{"data.null in [null]", true},
		{"data.t in []", false},
		// arrays and objects
		{`data.tags=["red","green",5.0]`, true},
		{`data.tags=["green","red",5]`, false},
		{`data.tags="red"`, false},
		{`data.tags in [["red","green",5]]`, true},
		{`data.deep={"c":"d","a":[1,{"b":null}]}`, true},
		{`data.deep={"c":"d","a":[1,{"b":1}]}`, false},
		{`data.deep!={"c":"d"}`, true},
		{"data.tags^=[", false},
		// any element
		{"data.tags[]=green", true},
		{"data.tags[]=5", true},
		{"data.tags[]!=green", false},
		{"data.tags[]!=blue", true},
		{"data.tags[]>=5", true},
		{`data.tags[] in ["blue","red"]`, true},
		{"data.tags[] exists", true},
		{"data.none[] exists", false},
		{"data.none[] exists false", true},
		{"data.none exists", true},
		{"data.none[]!=x", true},
		{"data.none[]=x", false},
		{"data.absent[] exists", false},
		{"data.absent[]!=x", true},
		{"data.t[]=größe", true},
		{"data.null[]=null", true},
		{"data.null[] exists", true},
		{"data.items[].sku=b", true},
		{"data.items[].sku!=b", false},
		{"data.items[].p>8", true},
		{"data.items[].nope exists", false},
		{"data.object[].0=zero", true},
		{"data.nested[]=[3]", true},
		{"data.nested[]=3", false},
		{"data.nested[][]=3", true},
		{"data.nested[][]=4", true},
		{"data.nested[].0=3", true},
		// elements and members
		{"data.tags.0=red", true},
		{"data.tags.00=red", false},
		{"data.tags.3 exists", false},
		{"data.tags.99999999999999999999 exists", false},
		{`data.tags."0" exists`, false},
		{"data.items.1.sku=b", true},
		{"data.object.0=zero", true},
		{`data.object."0"=zero`, true},
		{`data.object."a.b"."x y"=1`, true},
		{"data.object.a exists", false},
		{`data.object.""=2`, true},
		{`data."$where"=w`, true},
		{"data.t.x exists", false},
		{"data exists", true},
		// the other fields
		{"application=shop", true},
		{"event_id=12345", true},
		{"event_id in [12345]", true},
		{"session_id=0192F0C1-6F3A-7B1E-8C2D-0123456789AB", true},
		{"session_id^=0192F0C1", true},
		{"category=page / interaction", true},
		{"type=page / interaction / view", true},
		{"type^=page", true},
		{"type=page / interaction", false},
		{"name!=view", false},
		{"schema_version=7.0", true},
		{`schema_version="7"`, false},
		{"timestamp>=2026-11-27", true},
		{"timestamp=2026-11-27T10:00:00.123456+01:00", true},
		{"timestamp=2026-11-27T10:00:00.123457+01:00", false},
		{"timestamp!=2026-11-27", true},
		{"timestamp>=1h30m", true},
		{"timestamp>1h30m", false},
		{"timestamp>today", true},
		{"timestamp<yesterday", false},
		{`timestamp in ["2026-11-27T09:00:00.123456Z"]`, true},
		{"timestamp exists", true},
		{"timestamp exists false", false},
		{"received_at<=2026-11-27T09:00:01", true},
	} {
		cond := parseOne(t, c.text)
		e := sample()
		if got := cond.Match(e); got != c.want {
			t.Errorf("%s is %v", c.text, got)
		}
		if got := cond.MatchValues(e.Values(cond.Field)); got != c.want {
			t.Errorf("%s by its values is %v", c.text, got)
		}
	}
}

// A rejected event may lack every field: then nothing matches but what a missing
// value meets.
func TestMissingFields(t *testing.T) {
	for _, field := range []string{"session_id", "category", "name", "type", "timestamp", "schema_version", "data", "data.x", "data[]"} {
		e := &filter.Event{Application: "shop", EventID: "1"}
		value := "x"
		if field == "timestamp" {
			value = "today"
		}
		for op, want := range map[string]bool{"=" + value: false, "!=" + value: true, ">=" + value: false, "<" + value: false, " exists": false, " exists false": true} {
			c := parseOne(t, field+op)
			if c.Match(e) != want || c.MatchValues(e.Values(c.Field)) != want {
				t.Errorf("%s%s is not %v", field, op, want)
			}
		}
	}
	if c := parseOne(t, "type exists"); c.Match(&filter.Event{Category: "x"}) {
		t.Error("half a type exists")
	}
}
