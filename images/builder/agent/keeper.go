package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	retryDelay   = time.Second
	verifyPeriod = time.Minute
)

// Keeper makes an engine's users those of the last change, and keeps them so.
type Keeper struct {
	engine   Engine
	file     store
	instance string

	mutex  sync.Mutex
	wanted state
	// digest is that of wanted, once somebody asked; ten thousand users are not hashed for each look.
	digest string
	// told is what the engine was told since it started, by name.
	told  map[string]User
	fault error
	// unheard tells that the fault is the engine's, which did not say whom it knows.
	unheard bool
	wake    chan struct{}
}

// uncertain is what the engine knows of a user whom it took in part, or whom it was never told: no wanted user is
// like that, so that the next one is told in any case.
func uncertain(name string) User { return User{Name: name, Secrets: map[string]string{"": ""}} }

// Status is what the panel shows of an engine.
type Status struct {
	// Instance is another word after each start of the engine; its counters begin at zero with it.
	Instance string `json:"instance"`
	Revision string `json:"revision"`
	Digest   string `json:"digest"`
	Users    int    `json:"users"`
	// Applied tells that the engine knows these users and no others; else Fault says why not.
	Applied bool   `json:"applied"`
	Fault   string `json:"fault,omitempty"`
}

// New tells the engine the users of the last run, which stand in the file at path.
func New(engine Engine, path string) *Keeper {
	keeper := &Keeper{
		engine: engine, file: store{path: path}, instance: rand.Text(),
		told: map[string]User{}, wake: make(chan struct{}, 1),
	}
	wanted, err := keeper.file.load()
	if err != nil {
		// Without its file the panel's next look brings the users back; an engine that is down brings nothing back.
		log.Print(err)
	}
	keeper.wanted = wanted
	keeper.apply()
	return keeper
}

// Change takes a change from the panel; it is written down before the engine hears of it.
func (keeper *Keeper) Change(change Change) (Status, error) {
	return keeper.take(func() (state, error) { return keeper.wanted.apply(change) })
}

// Replace takes all users at once, whatever was known before.
func (keeper *Keeper) Replace(all All) (Status, error) {
	return keeper.take(func() (state, error) { return keeper.wanted.replace(all) })
}

func (keeper *Keeper) take(next func() (state, error)) (Status, error) {
	keeper.mutex.Lock()
	defer keeper.mutex.Unlock()
	wanted, err := next()
	if err != nil {
		return keeper.status(), err
	}
	if err := keeper.file.save(wanted); err != nil {
		return keeper.status(), fmt.Errorf("users could not be written down: %w", err)
	}
	keeper.wanted, keeper.digest = wanted, ""
	keeper.apply()
	return keeper.status(), nil
}

// Status returns what the panel shows.
func (keeper *Keeper) Status() Status {
	keeper.mutex.Lock()
	defer keeper.mutex.Unlock()
	return keeper.status()
}

func (keeper *Keeper) status() Status {
	if keeper.digest == "" {
		keeper.digest = keeper.wanted.digest()
	}
	shown := Status{
		Instance: keeper.instance, Revision: keeper.wanted.Revision, Digest: keeper.digest,
		Users: len(keeper.wanted.Users), Applied: keeper.fault == nil,
	}
	if keeper.fault != nil {
		shown.Fault = keeper.fault.Error()
	}
	return shown
}

// Run repairs until the context ends: soon after a failure, and each minute what the engine itself tells otherwise.
func (keeper *Keeper) Run(ctx context.Context) {
	verify := time.NewTicker(verifyPeriod)
	defer verify.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-keeper.wake:
			time.Sleep(retryDelay)
			keeper.repair()
		case <-verify.C:
			keeper.verify()
		}
	}
}

// apply tells the engine the difference. One user's failure does not hold up the others.
func (keeper *Keeper) apply() {
	var set []User
	var remove []string
	for name := range keeper.told {
		if _, wanted := keeper.wanted.Users[name]; !wanted {
			remove = append(remove, name)
		}
	}
	for name, user := range keeper.wanted.Users {
		if before, known := keeper.told[name]; !known || !before.equal(user) {
			set = append(set, user)
		}
	}
	if len(set)+len(remove) == 0 {
		keeper.settle(nil)
		return
	}
	faults := keeper.engine.Apply(set, remove)
	keeper.note(set, remove, faults)
	keeper.settle(faults)
}

func (keeper *Keeper) note(set []User, remove []string, faults map[string]error) {
	for _, user := range set {
		if keeper.told[user.Name] = user; faults[user.Name] != nil {
			keeper.told[user.Name] = uncertain(user.Name)
		}
	}
	for _, name := range remove {
		if faults[name] == nil {
			delete(keeper.told, name)
		}
	}
}

// settle remembers how it went: of ten thousand like faults the first one and their number.
func (keeper *Keeper) settle(faults map[string]error) {
	keeper.fault = nil
	if len(faults) == 0 {
		return
	}
	first := slices.Min(slices.Collect(maps.Keys(faults)))
	keeper.fault = fmt.Errorf("%s: %w", first, faults[first])
	if more := len(faults) - 1; more > 0 {
		keeper.fault = fmt.Errorf("%w (and %d more users)", keeper.fault, more)
	}
	select {
	case keeper.wake <- struct{}{}:
	default: // a repair is due already
	}
}

// repair does once more what failed.
func (keeper *Keeper) repair() {
	keeper.mutex.Lock()
	defer keeper.mutex.Unlock()
	if keeper.unheard {
		keeper.compare()
	} else {
		keeper.apply()
	}
}

func (keeper *Keeper) verify() {
	keeper.mutex.Lock()
	defer keeper.mutex.Unlock()
	keeper.compare()
}

// compare forgets what the engine does not confirm, so that it is told anew, and removes whom nobody wants.
func (keeper *Keeper) compare() {
	names, err := keeper.engine.Known()
	if keeper.unheard = err != nil; keeper.unheard {
		keeper.settle(map[string]error{"the engine": err})
		return
	}
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[name] = true
		if _, told := keeper.told[name]; !told {
			keeper.told[name] = uncertain(name)
		}
	}
	maps.DeleteFunc(keeper.told, func(name string, _ User) bool { return !known[name] })
	keeper.apply()
}
