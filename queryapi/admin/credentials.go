package admin

import (
	"context"
	"log/slog"
	"time"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/lastuse"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
)

// Applications returns every application with its write keys.
func (a *Admin) Applications(ctx context.Context) (api.ApplicationList, error) {
	return withRegistry(a, func() (api.ApplicationList, error) {
		present, err := a.editor.Applications(ctx)
		if err != nil {
			return api.ApplicationList{}, err
		}
		used, err := lastuse.Read(ctx, a.uses, lastuse.EveryKey)
		list := api.ApplicationList{Applications: make([]api.Application, len(present))}
		for i, app := range present {
			list.Applications[i] = apiApplication(app, used)
		}
		return list, err
	})
}

// Application returns one application.
func (a *Admin) Application(ctx context.Context, name string) (api.Application, error) {
	return withRegistry(a, func() (api.Application, error) {
		app, err := a.editor.Application(ctx, name)
		if err != nil {
			return api.Application{}, err
		}
		used, err := lastuse.Read(ctx, a.uses, lastuse.KeysOf(name))
		return apiApplication(app, used), err
	})
}

func apiApplication(a editor.Application, used map[lastuse.Credential]time.Time) api.Application {
	keys := make([]api.Key, len(a.Keys))
	for i, k := range a.Keys {
		keys[i] = apiKey(k)
		keys[i].LastUsedAt = api.TimeOf(used[lastuse.Credential{Application: a.Name, ID: k.ID}])
	}
	return api.Application{
		Name: a.Name, Keys: keys,
		VersionInfo:         api.VersionInfo{Revision: a.Revision, Time: api.TimeOf(a.Time), Author: a.Author, Note: a.Note},
		ApplicationSettings: api.ApplicationSettings{Adapters: a.Adapters, MissingSession: a.MissingSession},
	}
}

func apiKey(k registry.Key) api.Key {
	return api.Key{ID: k.ID, KeySettings: api.KeySettings{
		Kind: string(k.Kind), Origins: k.Origins, Disabled: k.Disabled, ExpiresAt: api.TimeOf(k.ExpiresAt),
		EventsPerSecond: k.EventsPerSecond, BytesPerSecond: k.BytesPerSecond,
	}}
}

// CreateApplication creates an application with its first key, whose secret is
// in this result alone.
func (a *Admin) CreateApplication(ctx context.Context, name string, settings registry.KeySettings, c Change) (api.ChangedApplication, error) {
	return withRegistry(a, func() (api.ChangedApplication, error) {
		app, key, err := a.editor.CreateApplication(ctx, name, settings, c.By)
		return createdKey(app, key), err
	})
}

// PutApplication replaces the declaration of an application, whose keys are
// hashes.
func (a *Admin) PutApplication(ctx context.Context, name string, raw []byte, c Change) (editor.PutResult, error) {
	return withRegistry(a, func() (editor.PutResult, error) { return a.editor.PutApplication(ctx, name, raw, c.Match, c.By) })
}

// DeleteApplication removes an application and returns the revision of the
// removal: its keys are invalid, its events stay.
func (a *Admin) DeleteApplication(ctx context.Context, name string, c Change) (uint64, error) {
	return withRegistry(a, func() (uint64, error) {
		revision, err := a.editor.DeleteApplication(ctx, name, c.Match, c.By)
		if err == nil {
			a.removeUses(ctx, lastuse.KeysOf(name))
		}
		return revision, err
	})
}

// PutApplicationSettings replaces the settings of an application. Its keys stay.
func (a *Admin) PutApplicationSettings(ctx context.Context, name string, settings registry.ApplicationSettings, c Change) (api.ChangedApplication, error) {
	return withRegistry(a, func() (api.ChangedApplication, error) {
		app, err := a.editor.SetApplication(ctx, name, settings, c.Match, c.By)
		return api.ChangedApplication{Name: app.Name, Revision: app.Revision}, err
	})
}

// AddKey adds a write key to an application. Its secret is in this result
// alone.
func (a *Admin) AddKey(ctx context.Context, application string, settings registry.KeySettings, c Change) (api.ChangedApplication, error) {
	return withRegistry(a, func() (api.ChangedApplication, error) {
		app, key, err := a.editor.AddKey(ctx, application, settings, c.Match, c.By)
		return createdKey(app, key), err
	})
}

// RotateKey adds a write key with the settings of another, which stays valid
// for the overlap.
func (a *Admin) RotateKey(ctx context.Context, application, replaced string, overlap time.Duration, c Change) (api.ChangedApplication, error) {
	return withRegistry(a, func() (api.ChangedApplication, error) {
		app, key, err := a.editor.RotateKey(ctx, application, replaced, overlap, c.Match, c.By)
		return createdKey(app, key), err
	})
}

func createdKey(app editor.Application, key editor.NewKey) api.ChangedApplication {
	return api.ChangedApplication{
		Name: app.Name, Revision: app.Revision, Key: &api.NewKey{Key: apiKey(key.Key), Secret: key.Secret},
	}
}

// PutKey replaces the settings of a write key. Its secret stays.
func (a *Admin) PutKey(ctx context.Context, application, id string, settings registry.KeySettings, c Change) (api.ChangedApplication, error) {
	return withRegistry(a, func() (api.ChangedApplication, error) {
		app, err := a.editor.SetKey(ctx, application, id, settings, c.Match, c.By)
		return api.ChangedApplication{Name: app.Name, Revision: app.Revision}, err
	})
}

// DeleteKey removes a write key.
func (a *Admin) DeleteKey(ctx context.Context, application, id string, c Change) (api.ChangedApplication, error) {
	return withRegistry(a, func() (api.ChangedApplication, error) {
		app, err := a.editor.DeleteKey(ctx, application, id, c.Match, c.By)
		if err == nil {
			a.removeUses(ctx, lastuse.Credential{Application: application, ID: id})
		}
		return api.ChangedApplication{Name: app.Name, Revision: app.Revision}, err
	})
}

// Tokens returns every token of the registry. Tokens that exist in the memory
// of a process alone are not among them.
func (a *Admin) Tokens(ctx context.Context) (api.TokenList, error) {
	return withRegistry(a, func() (api.TokenList, error) {
		present, err := a.editor.Tokens(ctx)
		if err != nil {
			return api.TokenList{}, err
		}
		used, err := lastuse.Read(ctx, a.uses, lastuse.EveryToken)
		list := api.TokenList{Tokens: make([]api.Token, len(present))}
		for i, t := range present {
			list.Tokens[i] = apiToken(t, used)
		}
		return list, err
	})
}

// Token returns one token.
func (a *Admin) Token(ctx context.Context, id string) (api.Token, error) {
	return withRegistry(a, func() (api.Token, error) {
		t, err := a.editor.Token(ctx, id)
		if err != nil {
			return api.Token{}, err
		}
		used, err := lastuse.Read(ctx, a.uses, lastuse.Credential{ID: id})
		return apiToken(t, used), err
	})
}

func apiToken(t editor.Token, used map[lastuse.Credential]time.Time) api.Token {
	token := api.Token{
		NewToken:    api.NewToken{ID: t.ID, Role: string(t.Role), Applications: t.Applications},
		VersionInfo: api.VersionInfo{Revision: t.Revision, Time: api.TimeOf(t.Time), Author: t.Author, Note: t.Note},
	}
	// An earlier use is of a removed token that had the same id.
	if at := used[lastuse.Credential{ID: t.ID}]; !at.Before(t.Time.Truncate(time.Hour)) {
		token.LastUsedAt = api.TimeOf(at)
	}
	return token
}

// removeUses removes the marks of removed credentials. One that stays shows nowhere, and
// is removed after stream.UsesTTL.
func (a *Admin) removeUses(ctx context.Context, pattern lastuse.Credential) {
	if err := lastuse.Remove(ctx, a.uses, pattern); err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "the last uses of a removed write key or token stay", slog.Any("error", err))
	}
}

// CreateToken creates a token. Its secret is in this result alone.
func (a *Admin) CreateToken(ctx context.Context, t registry.Token, c Change) (api.CreatedToken, error) {
	return withRegistry(a, func() (api.CreatedToken, error) {
		created, secret, err := a.editor.CreateToken(ctx, t, c.By)
		return api.CreatedToken{
			NewToken: api.NewToken{ID: created.ID, Role: string(created.Role), Applications: created.Applications},
			Revision: created.Revision, Secret: secret,
		}, err
	})
}

// DeleteToken removes a token and returns the revision of the removal. Unless
// lastToo, the only operator token of the registry stays: without it the registry
// can only be changed by EYE_OPERATOR_TOKEN. Calls to two processes at one moment may
// remove two last ones.
func (a *Admin) DeleteToken(ctx context.Context, id string, lastToo bool, c Change) (uint64, error) {
	return withRegistry(a, func() (uint64, error) {
		a.removing.Lock()
		defer a.removing.Unlock()
		if !lastToo {
			if err := a.checkOperatorLeft(ctx, id); err != nil {
				return 0, err
			}
		}
		revision, err := a.editor.DeleteToken(ctx, id, c.Match, c.By)
		if err == nil {
			a.removeUses(ctx, lastuse.Credential{ID: id})
		}
		return revision, err
	})
}

// checkOperatorLeft returns an error if a token is the only one of an operator.
func (a *Admin) checkOperatorLeft(ctx context.Context, id string) error {
	all, err := a.editor.Tokens(ctx)
	if err != nil {
		return err
	}
	removed, left := false, false
	for _, t := range all {
		operator := t.Role == registry.Operator
		removed, left = removed || operator && t.ID == id, left || operator && t.ID != id
	}
	if removed && !left {
		return problem.New(api.CodeLastOperator,
			"it is the only operator token of the registry; make another one first, or repeat with last_operator=true: "+
				"then only EYE_OPERATOR_TOKEN, or a restart of theeye up, gives access to operators")
	}
	return nil
}
