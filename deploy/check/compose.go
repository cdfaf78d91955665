package check

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// LoadCompose reads a compose file as the engine's command does, with env
// ("NAME=value") as its only environment. It fails where the file asks for a
// variable that env does not have.
func LoadCompose(ctx context.Context, path string, env ...string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithEnv(env), cli.WithDiscardEnvFile)
	if err != nil {
		return nil, fmt.Errorf("compose options: %w", err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	return project, nil
}

// ComposeFaults returns what would make a deployment of the project unsafe:
// services that run as root or may write to their image, ports open to the
// network, unpinned images, data that lives in no volume, no health check, a
// user of NATS that is another service's.
func ComposeFaults(project *types.Project) []string {
	var faults []string
	for name, service := range project.Services {
		for _, fault := range slices.Concat(
			privilegeFaults(service), healthFaults(service), portFaults(service),
			imageFaults(service), volumeFaults(project, service), boundFaults(service), loginFaults(project, service),
		) {
			faults = append(faults, name+": "+fault)
		}
	}
	slices.Sort(faults)
	return faults
}

func privilegeFaults(s types.ServiceConfig) []string {
	var faults []string
	user, _, _ := strings.Cut(s.User, ":")
	if user == "" || user == "0" || user == "root" {
		faults = append(faults, "runs as root")
	}
	if !s.ReadOnly {
		faults = append(faults, "may write to its image")
	}
	if s.Privileged || len(s.CapAdd) > 0 || !slices.Contains(s.CapDrop, "ALL") {
		faults = append(faults, "keeps capabilities")
	}
	if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		faults = append(faults, "may gain privileges")
	}
	if s.NetworkMode == "host" || s.Pid == "host" || s.Ipc == "host" {
		faults = append(faults, "shares a namespace with the host")
	}
	return faults
}

func healthFaults(s types.ServiceConfig) []string {
	check := s.HealthCheck
	switch {
	case check == nil || check.Disable || len(check.Test) == 0:
		return []string{"has no health check"}
	case check.Test[0] != "CMD":
		return []string{"needs a shell for its health check"}
	case check.Timeout == nil || check.Interval == nil || check.Retries == nil || check.StartPeriod == nil:
		return []string{"has a health check without bounds"}
	}
	return nil
}

func portFaults(s types.ServiceConfig) []string {
	var faults []string
	for _, port := range s.Ports {
		ip, err := netip.ParseAddr(port.HostIP)
		if err != nil || !ip.IsLoopback() {
			faults = append(faults, fmt.Sprintf("publishes port %d beyond loopback", port.Target))
		}
	}
	return faults
}

// pinned matches an image with a version of at least two numbers, or a digest.
var pinned = regexp.MustCompile(`(:v?\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})$`)

// imageFaults wants images of others pinned; those we build are named by us.
func imageFaults(s types.ServiceConfig) []string {
	if s.Build == nil {
		if !pinned.MatchString(s.Image) {
			return []string{"has an image that is not pinned: " + s.Image}
		}
		return nil
	}
	if s.Build.Target == "" {
		return []string{"is built without a target"}
	}
	return nil
}

// volumeFaults finds data that would be lost with its container, or lie in a
// undeclared folder.
func volumeFaults(project *types.Project, s types.ServiceConfig) []string {
	var faults []string
	kept := false
	for _, volume := range s.Volumes {
		switch volume.Type {
		case types.VolumeTypeVolume:
			kept = true
			if _, ok := project.Volumes[volume.Source]; !ok {
				faults = append(faults, "uses an undeclared volume at "+volume.Target)
			}
		case types.VolumeTypeBind:
			if !volume.ReadOnly {
				faults = append(faults, "may write to the folder at "+volume.Target)
			}
		}
	}
	if (s.Name == "nats" || s.Name == "mongo") && !kept {
		faults = append(faults, "keeps its data in no volume")
	}
	return faults
}

func boundFaults(s types.ServiceConfig) []string {
	var faults []string
	if s.Logging == nil || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
		faults = append(faults, "has an unbounded log")
	}
	if s.PidsLimit <= 0 {
		faults = append(faults, "has an unbounded number of processes")
	}
	return faults
}

// loginFaults holds each service to its own user of NATS: with another's it has
// the permissions of that one.
func loginFaults(project *types.Project, s types.ServiceConfig) []string {
	address := s.Environment["EYE_NATS_URL"]
	if address == nil {
		return nil
	}
	u, err := url.Parse(*address)
	if err != nil || u.User.Username() == "" {
		return []string{"has no user of NATS"}
	}
	if user := u.User.Username(); user != s.Name {
		return []string{"uses the user " + user + " of NATS"}
	}
	password, _ := u.User.Password()
	// The inner quotes make it a text for nats-server, whatever it looks like.
	known := project.Services["nats"].Environment["EYE_NATS_"+strings.ToUpper(s.Name)+"_PASSWORD"]
	if password == "" || known == nil || *known != strconv.Quote(password) {
		return []string{"has another password than NATS knows"}
	}
	return nil
}

// secret matches a variable that holds one.
var secret = regexp.MustCompile(`(?i)(token|password|secret|_key|uri)\b`)

// SecretFaults returns the secrets of a compose file, given as its text: values
// of variables that must be left to the environment, with no default.
func SecretFaults(text string) []string {
	var faults []string
	for number, line := range strings.Split(text, "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(name, "#") || !secret.MatchString(name) {
			continue
		}
		if !strings.Contains(value, ":?") {
			faults = append(faults, fmt.Sprintf("line %d: %s is not required from the environment", number+1, name))
		}
	}
	return faults
}
