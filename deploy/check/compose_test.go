package check_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/deploy/check"
)

// environment is all that a person must set.
var environment = []string{
	"EYE_OPERATOR_TOKEN=operator", "EYE_MONGO_PASSWORD=password",
	"EYE_NATS_COLLECTOR_PASSWORD=1", "EYE_NATS_PROCESSOR_PASSWORD=2", "EYE_NATS_QUERYAPI_PASSWORD=3",
}

func load(t *testing.T) *types.Project {
	t.Helper()
	project, err := check.LoadCompose(t.Context(), path("docker-compose.yml"), environment...)
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeIsSafe(t *testing.T) {
	none(t, check.ComposeFaults(load(t)))
	none(t, check.SecretFaults(text(t, "docker-compose.yml")))
}

func TestComposeAsksForItsSecrets(t *testing.T) {
	for i, missing := range environment {
		_, err := check.LoadCompose(t.Context(), path("docker-compose.yml"), slices.Delete(slices.Clone(environment), i, i+1)...)
		name, _, _ := strings.Cut(missing, "=")
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got error %v, want one that names it", name, err)
		}
	}
}

func TestComposeWiring(t *testing.T) {
	project := load(t)
	want := map[string]map[string]string{
		"nats": {
			"EYE_NATS_COLLECTOR_PASSWORD": `"1"`, "EYE_NATS_PROCESSOR_PASSWORD": `"2"`, "EYE_NATS_QUERYAPI_PASSWORD": `"3"`,
		},
		"mongo":     {},
		"collector": {"EYE_NATS_URL": "nats://collector:1@nats:4222", "EYE_LISTEN": "0.0.0.0:8080", "EYE_ADMIN_LISTEN": "0.0.0.0:8091", "EYE_ALLOWED_HOSTS": "collector"},
		"processor": {"EYE_NATS_URL": "nats://processor:2@nats:4222", "EYE_ADMIN_LISTEN": "0.0.0.0:8093", "EYE_ALLOWED_HOSTS": "processor", "EYE_MONGO_URI": "mongodb://theeye:password@mongo:27017/theeye?authSource=admin"},
		"queryapi": {
			"EYE_NATS_URL": "nats://queryapi:3@nats:4222", "EYE_LISTEN": "0.0.0.0:8081", "EYE_ADMIN_LISTEN": "0.0.0.0:8092", "EYE_ALLOWED_HOSTS": "queryapi",
			"EYE_MONGO_URI":      "mongodb://theeye:password@mongo:27017/theeye?authSource=admin",
			"EYE_OPERATOR_TOKEN": "operator", "EYE_CONFIG": "/config", "EYE_COLUMNS": "/columns",
		},
	}
	got := map[string]map[string]string{}
	for name, service := range project.Services {
		got[name] = map[string]string{}
		for key, value := range service.Environment {
			if strings.HasPrefix(key, "EYE_") {
				got[name][key] = *value
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("services and their settings (-want +got):\n%s", diff)
	}
	if !project.Networks["inside"].Internal {
		t.Error("the network of NATS and MongoDB reaches the outside")
	}
	for _, name := range []string{"nats", "mongo", "processor"} {
		if _, ok := project.Services[name].Networks["outside"]; ok || len(project.Services[name].Ports) > 0 {
			t.Errorf("%s can be reached from outside", name)
		}
	}
	if _, ok := project.Services["collector"].DependsOn["mongo"]; ok {
		t.Error("the collector waits for MongoDB; it must depend on NATS alone")
	}
}

func TestComposeBuildsTargetsThatExist(t *testing.T) {
	dockerfile := text(t, "deploy/Dockerfile")
	for name, service := range load(t).Services {
		if service.Build == nil {
			continue
		}
		if !strings.Contains(dockerfile, " AS "+service.Build.Target+"\n") {
			t.Errorf("%s: the Dockerfile has no target %q", name, service.Build.Target)
		}
	}
}

func TestComposeFaultsAreFound(t *testing.T) {
	plants := map[string]func(*types.ServiceConfig){
		"runs as root":                          func(s *types.ServiceConfig) { s.User = "0:0" },
		"may write to its image":                func(s *types.ServiceConfig) { s.ReadOnly = false },
		"keeps capabilities":                    func(s *types.ServiceConfig) { s.CapAdd = []string{"NET_ADMIN"} },
		"may gain privileges":                   func(s *types.ServiceConfig) { s.SecurityOpt = nil },
		"shares a namespace with the host":      func(s *types.ServiceConfig) { s.NetworkMode = "host" },
		"has no health check":                   func(s *types.ServiceConfig) { s.HealthCheck = nil },
		"needs a shell for its health check":    func(s *types.ServiceConfig) { s.HealthCheck.Test = []string{"CMD-SHELL", "true"} },
		"has a health check without bounds":     func(s *types.ServiceConfig) { s.HealthCheck.Timeout = nil },
		"publishes port 27017 beyond loopback":  func(s *types.ServiceConfig) { s.Ports = []types.ServicePortConfig{{Target: 27017}} },
		"has an image that is not pinned: m:8":  func(s *types.ServiceConfig) { s.Image = "m:8" },
		"is built without a target":             func(s *types.ServiceConfig) { s.Build = &types.BuildConfig{} },
		"uses an undeclared volume at /data/db": func(s *types.ServiceConfig) { s.Volumes[0].Source = "other" },
		"may write to the folder at /data/db":   func(s *types.ServiceConfig) { s.Volumes[0].Type = types.VolumeTypeBind },
		"keeps its data in no volume":           func(s *types.ServiceConfig) { s.Volumes = nil },
		"has an unbounded log":                  func(s *types.ServiceConfig) { s.Logging = nil },
		"has an unbounded number of processes":  func(s *types.ServiceConfig) { s.PidsLimit = 0 },
	}
	for want, plant := range plants {
		t.Run(want, func(t *testing.T) {
			project := load(t)
			service := project.Services["mongo"]
			plant(&service)
			project.Services["mongo"] = service
			if got := check.ComposeFaults(project); !slices.Contains(got, "mongo: "+want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// The permissions of NATS hold a service only to those of the user it has.
func TestComposeLoginFaultsAreFound(t *testing.T) {
	for address, want := range map[string]string{
		"nats://nats:4222":             "collector: has no user of NATS",
		"nats://:1@nats:4222":          "collector: has no user of NATS",
		"nats://processor:2@nats:4222": "collector: uses the user processor of NATS",
		"nats://queryapi:1@nats:4222":  "collector: uses the user queryapi of NATS",
		"nats://collector@nats:4222":   "collector: has another password than NATS knows",
		"nats://collector:2@nats:4222": "collector: has another password than NATS knows",
		"nats://collector:1@nats:4222": "",
	} {
		project := load(t)
		project.Services["collector"].Environment["EYE_NATS_URL"] = &address
		if got := strings.Join(check.ComposeFaults(project), "; "); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
	project := load(t)
	unquoted := "1"
	project.Services["nats"].Environment["EYE_NATS_COLLECTOR_PASSWORD"] = &unquoted
	if got := check.ComposeFaults(project); !slices.Equal(got, []string{"collector: has another password than NATS knows"}) {
		t.Errorf("with a password that NATS reads as a number: got %q", got)
	}
}

func TestSecretFaultsAreFound(t *testing.T) {
	given := "a:\n  EYE_OPERATOR_TOKEN: ${T:?set it}\n  MONGO_PASSWORD: hunter2\n  EYE_TOKEN: ${T:-default}\n  # EYE_TOKEN: x\n"
	want := []string{
		"line 3: MONGO_PASSWORD is not required from the environment",
		"line 4: EYE_TOKEN is not required from the environment",
	}
	if diff := cmp.Diff(want, check.SecretFaults(given)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
