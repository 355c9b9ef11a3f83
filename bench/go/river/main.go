// Command river puts River under test: `worker WORKERS`.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"bench/commands"
	"bench/tick"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// As River's own benchmark (`river bench`) has them; the defaults, 100 ms and 1 s, bound throughput and latency.
// Whoever submits has them, too: it tells workers of a new job once in a cooldown.
const (
	fetchCooldown     = 2 * time.Millisecond
	fetchPollInterval = 20 * time.Millisecond
)

const batch = 500

// recordsOutput: a job's result is stored with it. River stores none unless its worker does this.
var recordsOutput = os.Getenv("BENCH_RIVER_OUTPUT") != ""

var errAtFirst = errors.New("fails at first")

func main() {
	commands.Main(program{})
}

type program struct{}

func (program) Setup(ctx context.Context) error {
	pool, err := connect(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func connect(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(os.Getenv("BENCH_POSTGRES_URL"))
	if err != nil {
		return nil, err
	}
	config.MaxConns = 64 // as many as there are callers; the default is 4
	return pgxpool.NewWithConfig(ctx, config)
}

// --- submitting ------------------------------------------------------------------------------------------------------

type (
	noop    struct{ commands.Task }
	waiting struct{ commands.Task }
	late    struct{ commands.Task }
	mixed   struct{ commands.Task }
)

func (noop) Kind() string    { return "noop" }
func (waiting) Kind() string { return "io" }
func (late) Kind() string    { return "latency" }
func (mixed) Kind() string   { return "mixed" }

func job(kind string, number int64) (river.InsertManyParams, error) {
	task := commands.NewTask(number)
	switch kind {
	case noop{}.Kind():
		return river.InsertManyParams{Args: noop{task}}, nil
	case waiting{}.Kind():
		return river.InsertManyParams{Args: waiting{task}}, nil
	case late{}.Kind():
		return river.InsertManyParams{Args: late{task}}, nil
	case mixed{}.Kind():
		options := river.InsertOpts{Priority: 1 + task.Priority()}
		if delay := task.Delay(); delay > 0 {
			options.ScheduledAt = time.Now().Add(delay)
		}
		return river.InsertManyParams{Args: mixed{task}, InsertOpts: &options}, nil
	}
	return river.InsertManyParams{}, fmt.Errorf("no kind %q", kind)
}

type session struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
}

func (program) Session(ctx context.Context) (commands.Session, error) {
	pool, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		FetchCooldown:     fetchCooldown,
		FetchPollInterval: fetchPollInterval,
	})
	if err != nil {
		return nil, err
	}
	return session{pool, client}, nil
}

func (s session) One(ctx context.Context, kind string, number int64) error {
	given, err := job(kind, number)
	if err != nil {
		return err
	}
	_, err = s.client.Insert(ctx, given.Args, given.InsertOpts)
	return err
}

func (s session) Many(ctx context.Context, kind string, from, to int64) error {
	for start := from; start < to; start += batch {
		var jobs []river.InsertManyParams
		for number := start; number < min(to, start+batch); number++ {
			given, err := job(kind, number)
			if err != nil {
				return err
			}
			jobs = append(jobs, given)
		}
		if _, err := s.client.InsertManyFast(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}

func (s session) Close() error {
	s.pool.Close()
	return nil
}

// --- working ---------------------------------------------------------------------------------------------------------

func (program) Work(ctx context.Context, arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("worker WORKERS, not %v", arguments)
	}
	most, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	ticks, err := tick.Open()
	if err != nil {
		return err
	}
	pool, err := connect(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		FetchCooldown:     fetchCooldown,
		FetchPollInterval: fetchPollInterval,
		Logger:            slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: most}},
		RetryPolicy:       atOnce{},
		Workers:           workers(ticks),
	})
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil { // stops by itself, softly, when ctx is done
		return err
	}
	<-client.Stopped()
	return nil
}

type atOnce struct{}

func (atOnce) NextRetry(*rivertype.JobRow) time.Time {
	return time.Now()
}

func workers(ticks *tick.Tick) *river.Workers {
	all := river.NewWorkers()
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[noop]) error {
		ticks.Started()
		return answer(ctx, job.Args.Number)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[late]) error {
		ticks.StartedLate(job.Args.Number)
		return answer(ctx, 0)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[waiting]) error {
		ticks.Started()
		time.Sleep(50 * time.Millisecond)
		ticks.Ended()
		return answer(ctx, job.Args.Number)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[mixed]) error {
		if job.Attempt == 1 && job.Args.FailsAtFirst() {
			return errAtFirst
		}
		ticks.Started()
		return answer(ctx, job.Args.Number)
	}))
	return all
}

func answer(ctx context.Context, result int64) error {
	if !recordsOutput {
		return nil
	}
	return river.RecordOutput(ctx, result)
}
