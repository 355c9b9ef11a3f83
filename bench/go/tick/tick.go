// Package tick counts what a worker runs, and how late it started, in shared memory: the file that bench/lib/tick.py describes.
package tick

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	pidAt       = 0
	countAt     = 8
	firstAt     = 16
	lastAt      = 24
	latenciesAt = 32
	header      = 40
	number      = 8

	mostLatencies = 4_000
	size          = header + number*mostLatencies
)

// Tick is the file of this process.
type Tick struct {
	lock sync.Mutex
	file []byte
}

// Open makes the file in $BENCH_TICKS.
func Open() (*Tick, error) {
	pid := os.Getpid()
	opened, err := os.Create(filepath.Join(os.Getenv("BENCH_TICKS"), strconv.Itoa(pid)))
	if err != nil {
		return nil, err
	}
	defer opened.Close() // what is mapped stays
	if err := opened.Truncate(size); err != nil {
		return nil, err
	}
	file, err := syscall.Mmap(int(opened.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	tick := &Tick{file: file}
	tick.put(pidAt, int64(pid))
	return tick, nil
}

// Started counts a task that starts.
func (t *Tick) Started() {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.started(time.Now().UnixNano())
}

// StartedLate does that, too, and keeps how long ago the task was submitted: at sentNs, in ns since 1970.
func (t *Tick) StartedLate(sentNs int64) {
	now := time.Now().UnixNano()
	t.lock.Lock()
	defer t.lock.Unlock()
	t.started(now)
	if latencies := t.get(latenciesAt); latencies < mostLatencies {
		t.put(header+number*int(latencies), now-sentNs)
		t.put(latenciesAt, latencies+1)
	}
}

// Ended is for tasks that take a while: the last moment is when they end.
func (t *Tick) Ended() {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.put(lastAt, time.Now().UnixNano())
}

func (t *Tick) started(now int64) {
	t.put(countAt, t.get(countAt)+1)
	if t.get(firstAt) == 0 {
		t.put(firstAt, now)
	}
	t.put(lastAt, now)
}

func (t *Tick) get(at int) int64 {
	return int64(binary.LittleEndian.Uint64(t.file[at:]))
}

func (t *Tick) put(at int, value int64) {
	binary.LittleEndian.PutUint64(t.file[at:], uint64(value))
}
