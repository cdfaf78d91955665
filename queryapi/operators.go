package queryapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/httpserver/router"
)

// Paths of the registry and of jobs; what follows them is escaped segments.
const (
	pathSchemas      = "/v1/schemas/"
	pathApplications = "/v1/applications/"
	pathReplays      = "/v1/replays/"
	pathAudits       = "/v1/audits/"
	pathTokens       = "/v1/tokens/" //nolint:gosec // a path, no credential
)

// The operators' calls.
const (
	callSchemas       = "/v1/schemas"
	callSchema        = pathSchemas + ":category/:name"
	callSchemaHistory = callSchema + "/history"
	callPolicy        = "/v1/policy"
	callPolicyHistory = callPolicy + "/history"
	callApplications  = "/v1/applications"
	callApplication   = pathApplications + ":name"
	callKeys          = callApplication + "/keys"
	callKey           = callKeys + "/:id"
	callTokens        = "/v1/tokens"
	callToken         = pathTokens + ":id"
	callChanges       = "/v1/changes"
	callReplays       = "/v1/replays"
	callReplay        = pathReplays + ":id"
	callAudits        = "/v1/audits"
	callAudit         = pathAudits + ":id"
)

// registryEndpoints are the calls that show and change the registry, and the jobs
// that are kept beside it.
func (s *Service) registryEndpoints() (endpoints []router.Endpoint) {
	type methods = map[string]answer
	for path, calls := range map[string]methods{
		callSchemas:       {http.MethodGet: s.schemas},
		callSchema:        {http.MethodGet: s.schema, http.MethodPut: s.putSchema, http.MethodDelete: s.deleteSchema},
		callSchemaHistory: {http.MethodGet: s.schemaHistory},
		callPolicy:        {http.MethodGet: s.policy, http.MethodPut: s.putPolicy, http.MethodDelete: s.deletePolicy},
		callPolicyHistory: {http.MethodGet: s.policyHistory},
		callApplications:  {http.MethodGet: s.applications, http.MethodPost: s.createApplication},
		callApplication:   {http.MethodGet: s.application, http.MethodPut: s.putApplication, http.MethodDelete: s.deleteApplication},
		callKeys:          {http.MethodPost: s.createKey},
		callKey:           {http.MethodPut: s.putKey, http.MethodDelete: s.deleteKey},
		callTokens:        {http.MethodGet: s.tokens, http.MethodPost: s.createToken},
		callToken:         {http.MethodGet: s.token, http.MethodDelete: s.deleteToken},
		callChanges:       {http.MethodGet: s.changes},
		callReplays:       {http.MethodGet: s.listJobs(replayJobs), http.MethodPost: s.startReplay},
		callReplay:        {http.MethodGet: s.job(replayJobs), http.MethodDelete: s.cancelJob(replayJobs)},
		callAudits:        {http.MethodGet: s.listJobs(auditJobs), http.MethodPost: s.startAudit},
		callAudit:         {http.MethodGet: s.job(auditJobs), http.MethodDelete: s.cancelJob(auditJobs)},
	} {
		for method, call := range calls {
			endpoints = append(endpoints, router.Endpoint{Method: method, Pattern: path, Handle: s.operate(s.inRegistry(call))})
		}
	}
	return endpoints
}

// errRegistry marks every error of a call that asked the registry.
var errRegistry = errors.New("registry")

// inRegistry makes a call that reads or writes the buckets themselves, not the
// snapshot: whoever changes something must see what is there now.
func (s *Service) inRegistry(call answer) answer {
	return func(w http.ResponseWriter, r *http.Request, who scope) error {
		// A request made meanwhile would wait for the connection to come back.
		if s.js == nil || !s.js.Conn().IsConnected() {
			return registryAway(nil)
		}
		if err := call(w, r, who); err != nil {
			return fmt.Errorf("%w: %w", errRegistry, err)
		}
		return nil
	}
}

// registryAway claims nothing: a change may have been made before the answer of
// NATS was lost.
func registryAway(cause error) *failure {
	return unavailable(codeRegistryUnavailable,
		"the registry does not answer; a change may have been made or not: read before you repeat it", retrySoon, cause)
}

// ofNATS reports whether an error of the registry is one of NATS. All are that
// nobody decides by, except for a record, or an answer, that is no JSON.
func ofNATS(err error) bool {
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	return errors.Is(err, errRegistry) && !errors.As(err, &semantic) && !errors.As(err, &syntactic)
}
