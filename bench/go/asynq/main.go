// Command asynq puts asynq under test: `worker CONCURRENCY CHECK_INTERVAL [priorities]`.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"bench/commands"
	"bench/tick"

	"github.com/hibiken/asynq"
)

// kept is how long a task that is done stays, with its result. Asynq keeps none unless it is asked to, when a task is submitted.
var kept = os.Getenv("BENCH_ASYNQ_KEPT")

// A priority is a queue of its own, looked into as often as it weighs. Without priorities there is only the queue "default": each
// further one is a further call of Redis for each task.
var (
	queues  = []string{"low", "default", "critical"}
	weights = map[string]int{"low": 1, "default": 3, "critical": 6}
)

var errAtFirst = errors.New("fails at first")

func main() {
	commands.Main(program{})
}

type program struct{}

func (program) Setup(context.Context) error {
	return nil
}

func redis() (asynq.RedisConnOpt, error) {
	return asynq.ParseRedisURI(os.Getenv("BENCH_REDIS_URL"))
}

// --- submitting ------------------------------------------------------------------------------------------------------

type session struct {
	client  *asynq.Client
	options []asynq.Option
}

func (program) Session(context.Context) (commands.Session, error) {
	at, err := redis()
	if err != nil {
		return nil, err
	}
	var options []asynq.Option
	if kept != "" {
		retention, err := time.ParseDuration(kept)
		if err != nil {
			return nil, err
		}
		options = append(options, asynq.Retention(retention))
	}
	return session{asynq.NewClient(at), options}, nil
}

func (s session) One(ctx context.Context, kind string, number int64) error {
	task := commands.NewTask(number)
	payload, err := json.Marshal(task)
	if err != nil {
		return err
	}
	options := s.options
	if kind == "mixed" {
		options = slices.Concat(options, []asynq.Option{asynq.Queue(queues[task.Priority()]), asynq.ProcessIn(task.Delay())})
	}
	_, err = s.client.EnqueueContext(ctx, asynq.NewTask(kind, payload), options...)
	return err
}

func (s session) Close() error {
	return s.client.Close()
}

// --- working ---------------------------------------------------------------------------------------------------------

func (program) Work(ctx context.Context, arguments []string) error {
	config, err := configuration(arguments)
	if err != nil {
		return err
	}
	ticks, err := tick.Open()
	if err != nil {
		return err
	}
	at, err := redis()
	if err != nil {
		return err
	}
	server := asynq.NewServer(at, config)
	if err := server.Start(handlers(ticks)); err != nil {
		return err
	}
	<-ctx.Done()
	server.Shutdown()
	return nil
}

func configuration(arguments []string) (asynq.Config, error) {
	if len(arguments) < 2 {
		return asynq.Config{}, fmt.Errorf("worker CONCURRENCY CHECK_INTERVAL [priorities], not %v", arguments)
	}
	concurrency, err := strconv.Atoi(arguments[0])
	if err != nil {
		return asynq.Config{}, err
	}
	checkInterval, err := time.ParseDuration(arguments[1])
	if err != nil {
		return asynq.Config{}, err
	}
	config := asynq.Config{
		Concurrency:              concurrency,
		TaskCheckInterval:        checkInterval,
		DelayedTaskCheckInterval: checkInterval,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return 0 },
		LogLevel:                 asynq.WarnLevel,
	}
	if len(arguments) > 2 {
		config.Queues = weights
	}
	return config, nil
}

func handlers(ticks *tick.Tick) *asynq.ServeMux {
	mux := asynq.NewServeMux()
	handle := func(kind string, work func(ctx context.Context, given commands.Task) error) {
		mux.HandleFunc(kind, func(ctx context.Context, task *asynq.Task) error {
			var given commands.Task
			if err := json.Unmarshal(task.Payload(), &given); err != nil {
				return err
			}
			if err := work(ctx, given); err != nil || kept == "" {
				return err
			}
			_, err := task.ResultWriter().Write(strconv.AppendInt(nil, given.Number, 10))
			return err
		})
	}
	handle("noop", func(context.Context, commands.Task) error {
		ticks.Started()
		return nil
	})
	handle("latency", func(_ context.Context, given commands.Task) error {
		ticks.StartedLate(given.Number)
		return nil
	})
	handle("io", func(context.Context, commands.Task) error {
		ticks.Started()
		time.Sleep(50 * time.Millisecond)
		ticks.Ended()
		return nil
	})
	handle("mixed", func(ctx context.Context, given commands.Task) error {
		if retried, _ := asynq.GetRetryCount(ctx); retried == 0 && given.FailsAtFirst() {
			return errAtFirst
		}
		ticks.Started()
		return nil
	})
	return mux
}
