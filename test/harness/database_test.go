package harness

import (
	"os"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func TestDropRemovesTheDatabase(t *testing.T) {
	uri := os.Getenv("EYE_TEST_MONGO_URI")
	if uri == "" {
		t.Fatal("set EYE_TEST_MONGO_URI or run make test")
	}
	p, err := Split(Binaries{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(t.Context()) }()
	if _, err := client.Database(p.database.name).Collection("x").InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	has := func() bool {
		names, err := client.ListDatabaseNames(t.Context(), bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(names, p.database.name)
	}
	if !has() {
		t.Fatal("the database is not there before it is dropped")
	}
	if err := p.DropDatabase(t.Context()); err != nil || has() {
		t.Errorf("Drop: %v, still there: %t", err, has())
	}
	if err := (&Pipeline{}).DropDatabase(t.Context()); err != nil {
		t.Errorf("a pipeline without database: %v", err)
	}
}

func TestSetenvChangesWhatIsKnown(t *testing.T) {
	a, b := &Process{Name: "one a", Env: []string{"X=1", "Y=1"}}, &Process{Name: "one b", Env: []string{"Y=1"}}
	p := &Pipeline{Processes: []*Process{a, b, {Name: "other"}}}
	p.Setenv("X", "2")
	if !slices.Equal(a.Env, []string{"X=2", "Y=1"}) || !slices.Equal(b.Env, []string{"Y=1"}) {
		t.Errorf("settings are %v and %v", a.Env, b.Env)
	}
	if found := p.FindProcesses("one"); len(found) != 2 || found[0] != a || found[1] != b {
		t.Errorf("found %v", found)
	}
}
