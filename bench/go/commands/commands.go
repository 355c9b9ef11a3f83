// Package commands is the command line of a program under test, the same as that of the Python programs in bench/lib/commands.py.
package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	usage   = "setup | prefill KIND N | single N | bulk N | concurrent N CALLERS | latency N INTERVAL_S | worker ARGUMENT…"
	warm    = 200 // submits before those that are measured: connections are open, caches are filled
	fillers = 32  // callers at a time that fill a queue where nothing submits many at once
)

// Task is what every task carries.
type Task struct {
	Number  int64  `json:"number"` // of the kind latency: when it was sent, in ns since 1970
	Payload string `json:"payload"`
}

// NewTask has the payload of 100 bytes.
func NewTask(number int64) Task {
	return Task{Number: number, Payload: payload}
}

var payload = strings.Repeat("x", 100)

// Of the kind mixed, every tenth task fails on its first attempt.
func (t Task) FailsAtFirst() bool {
	return t.Number%10 == 0
}

// Of the kind mixed, every tenth task is not to start for so long; the others at once.
func (t Task) Delay() time.Duration {
	if t.Number%10 == 5 {
		return time.Second
	}
	return 0
}

// Of the kind mixed, a task has one of three priorities, from 0 on.
func (t Task) Priority() int {
	return int(t.Number % 3)
}

// Program is a system under test.
type Program interface {
	// Setup is called once, on empty servers.
	Setup(ctx context.Context) error
	// Session opens what submits.
	Session(ctx context.Context) (Session, error)
	// Work runs tasks until ctx is done.
	Work(ctx context.Context, arguments []string) error
}

// Session submits tasks.
type Session interface {
	One(ctx context.Context, kind string, number int64) error
	Close() error
}

// Bulk is a session that can submit many tasks at once: numbers from `from` up to, but not including, `to`.
type Bulk interface {
	Many(ctx context.Context, kind string, from, to int64) error
}

// Main is all of a program's main.
func Main(program Program) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if len(os.Args) < 2 {
		log.Fatal(usage)
	}
	if err := run(ctx, program, os.Args[1], os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, program Program, command string, arguments []string) error {
	switch command {
	case "setup":
		return program.Setup(ctx)
	case "worker":
		return program.Work(ctx, arguments)
	}
	session, err := program.Session(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	return submit(ctx, session, command, arguments)
}

func submit(ctx context.Context, session Session, command string, arguments []string) error {
	many, canBulk := session.(Bulk)
	switch {
	case command == "prefill" && len(arguments) == 2:
		count, err := strconv.ParseInt(arguments[1], 10, 64)
		if err != nil {
			return err
		}
		if canBulk {
			return many.Many(ctx, arguments[0], 0, count)
		}
		return concurrent(ctx, session, arguments[0], count, fillers)
	case command == "latency" && len(arguments) == 2:
		return latency(ctx, session, arguments[0], arguments[1])
	case command == "single" && len(arguments) == 1:
		return measured(arguments[0], func(count int64) error { return concurrent(ctx, session, "noop", count, 1) })
	case command == "bulk" && len(arguments) == 1 && canBulk:
		return measured(arguments[0], func(count int64) error { return many.Many(ctx, "noop", 0, count) })
	case command == "concurrent" && len(arguments) == 2:
		callers, err := strconv.ParseInt(arguments[1], 10, 64)
		if err != nil {
			return err
		}
		return measured(arguments[0], func(count int64) error { return concurrent(ctx, session, "noop", count, callers) })
	}
	return fmt.Errorf("%s %s: %s", command, strings.Join(arguments, " "), usage)
}

// concurrent has callers share the tasks, each submitting one after another.
func concurrent(ctx context.Context, session Session, kind string, count, callers int64) error {
	group, ctx := errgroup.WithContext(ctx)
	for caller := range callers {
		group.Go(func() error {
			for number := caller; number < count; number += callers {
				if err := session.One(ctx, kind, number); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// latency sends by the clock, however long a submit takes.
func latency(ctx context.Context, session Session, countText, intervalText string) error {
	count, err := strconv.ParseInt(countText, 10, 64)
	if err != nil {
		return err
	}
	interval, err := time.ParseDuration(intervalText + "s")
	if err != nil {
		return err
	}
	began := time.Now()
	for number := range count {
		time.Sleep(time.Until(began.Add(time.Duration(number) * interval)))
		if err := session.One(ctx, "latency", time.Now().UnixNano()); err != nil {
			return err
		}
	}
	return nil
}

// measured prints how many tasks were submitted, in how many seconds, and with how many seconds of CPU.
func measured(countText string, submit func(count int64) error) error {
	count, err := strconv.ParseInt(countText, 10, 64)
	if err != nil {
		return err
	}
	if err := submit(warm); err != nil {
		return err
	}
	began, beganCPU := time.Now(), cpu()
	if err := submit(count); err != nil {
		return err
	}
	secs, cpuSecs := time.Since(began).Seconds(), (cpu() - beganCPU).Seconds()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"n": count, "secs": secs, "cpu_s": cpuSecs})
}

// cpu is the CPU time of this process so far.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // the arguments are right
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
