// asynq: a client, a server with workers, a scheduler and an inspector, as an application uses them.
package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"troikamq.example/clients/check"
)

var (
	connection asynq.RedisConnOpt
	client     *asynq.Client
	inspector  *asynq.Inspector
	mux        = asynq.NewServeMux()
)

// What handlers saw, in order.
type record struct {
	lock  sync.Mutex
	texts []string
}

func (r *record) add(text string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.texts = append(r.texts, text)
}

func (r *record) all() []string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return append([]string{}, r.texts...)
}

func (r *record) waitFor(count int) []string {
	check.Until(func() bool { return len(r.all()) >= count }, fmt.Sprintf("%d tasks", count))
	return r.all()
}

type quiet struct{}

func (quiet) Debug(...any)        {}
func (quiet) Info(...any)         {}
func (quiet) Warn(...any)         {}
func (quiet) Error(values ...any) { fmt.Println(values...) }
func (quiet) Fatal(values ...any) { panic(fmt.Sprint(values...)) }

func startServer(config asynq.Config) *asynq.Server {
	config.Logger = quiet{}
	config.TaskCheckInterval = 50 * time.Millisecond
	config.DelayedTaskCheckInterval = 50 * time.Millisecond
	config.RetryDelayFunc = func(int, error, *asynq.Task) time.Duration { return 50 * time.Millisecond }
	server := asynq.NewServer(connection, config)
	check.Right(server.Start(mux), "start of the server")
	return server
}

func handle(kind string, run func(ctx context.Context, task *asynq.Task) error) {
	mux.HandleFunc(kind, run)
}

func enqueue(kind, payload string, options ...asynq.Option) *asynq.TaskInfo {
	return check.Must(client.Enqueue(asynq.NewTask(kind, []byte(payload)), options...))
}

func state(queue, id string) asynq.TaskState {
	info, err := inspector.GetTaskInfo(queue, id)
	if err != nil {
		return 0
	}
	return info.State
}

func manyTasks() {
	var done atomic.Int64
	handle("many", func(context.Context, *asynq.Task) error { done.Add(1); return nil })
	for i := range 500 {
		enqueue("many", fmt.Sprint(i))
	}
	check.Until(func() bool { return done.Load() == 500 }, "500 tasks")
}

func results() {
	handle("result", func(_ context.Context, task *asynq.Task) error {
		_, err := task.ResultWriter().Write([]byte("of " + string(task.Payload())))
		return err
	})
	info := enqueue("result", "it", asynq.Retention(time.Hour))
	check.Until(func() bool { return state("default", info.ID) == asynq.TaskStateCompleted }, "the completed task")
	check.Equal(string(check.Must(inspector.GetTaskInfo("default", info.ID)).Result), "of it", "the result")
}

func retries() {
	var seen record
	handle("flaky", func(ctx context.Context, _ *asynq.Task) error {
		count, _ := asynq.GetRetryCount(ctx)
		seen.add(fmt.Sprint(count))
		if count < 2 {
			return errors.New("not yet")
		}
		return nil
	})
	enqueue("flaky", "", asynq.MaxRetry(5))
	check.Equal(seen.waitFor(3), []string{"0", "1", "2"}, "the tries")
}

func archive() {
	handle("bad", func(context.Context, *asynq.Task) error { return fmt.Errorf("useless: %w", asynq.SkipRetry) })
	info := enqueue("bad", "")
	check.Until(func() bool { return state("default", info.ID) == asynq.TaskStateArchived }, "the archived task")
	check.Equal(check.Must(inspector.GetTaskInfo("default", info.ID)).LastErr, "useless: skip retry for the task", "its error")
	var again record
	handle("bad2", func(ctx context.Context, _ *asynq.Task) error {
		again.add("run")
		if len(again.all()) == 1 {
			return asynq.SkipRetry
		}
		return nil
	})
	info = enqueue("bad2", "")
	check.Until(func() bool { return state("default", info.ID) == asynq.TaskStateArchived }, "the archived task")
	check.Right(inspector.RunTask("default", info.ID), "RunTask")
	again.waitFor(2)
	check.Equal(check.Must(inspector.DeleteAllArchivedTasks("default")), 1, "DeleteAllArchivedTasks")
}

func scheduled() {
	var seen record
	due := time.Now().Add(time.Second)
	handle("later", func(_ context.Context, task *asynq.Task) error {
		// asynq's times are whole seconds.
		if time.Now().Before(due.Truncate(time.Second)) {
			seen.add("too early")
		}
		seen.add(string(task.Payload()))
		return nil
	})
	second := enqueue("later", "second", asynq.ProcessIn(time.Second))
	check.Equal(second.State, asynq.TaskStateScheduled, "the state")
	enqueue("later", "first", asynq.ProcessAt(due))
	never := enqueue("later", "never", asynq.ProcessIn(time.Hour))
	check.Equal(len(check.Must(inspector.ListScheduledTasks("default"))) >= 1, true, "ListScheduledTasks")
	check.Right(inspector.DeleteTask("default", never.ID), "DeleteTask")
	done := seen.waitFor(2)
	slices.Sort(done)
	check.Equal(done, []string{"first", "second"}, "the tasks")
}

func unique() {
	block := make(chan struct{})
	handle("unique", func(context.Context, *asynq.Task) error { <-block; return nil })
	info := enqueue("unique", "one", asynq.Unique(time.Minute))
	_, err := client.Enqueue(asynq.NewTask("unique", []byte("one")), asynq.Unique(time.Minute))
	check.Equal(errors.Is(err, asynq.ErrDuplicateTask), true, "a duplicate")
	_, err = client.Enqueue(asynq.NewTask("unique", []byte("two")), asynq.TaskID(info.ID))
	check.Equal(errors.Is(err, asynq.ErrTaskIDConflict), true, "an id that is there")
	close(block)
	check.Until(func() bool {
		_, err := client.Enqueue(asynq.NewTask("unique", []byte("one")), asynq.Unique(time.Minute))
		return err == nil
	}, "the end of the lock")
}

func priorities() {
	var seen record
	handle("ranked", func(_ context.Context, task *asynq.Task) error { seen.add(string(task.Payload())); return nil })
	for _, queue := range []string{"low", "high", "low", "high"} {
		enqueue("ranked", queue, asynq.Queue(queue))
	}
	server := startServer(asynq.Config{Concurrency: 1, StrictPriority: true, Queues: map[string]int{"high": 2, "low": 1}})
	check.Equal(seen.waitFor(4), []string{"high", "high", "low", "low"}, "the order")
	server.Shutdown()
	queues := check.Must(inspector.Queues())
	slices.Sort(queues)
	check.Equal(queues, []string{"default", "high", "low"}, "the queues")
}

func groups() {
	var seen record
	handle("sum", func(_ context.Context, task *asynq.Task) error { seen.add(string(task.Payload())); return nil })
	server := startServer(asynq.Config{
		Queues:        map[string]int{"grouped": 1},
		GroupMaxSize:  3,
		GroupMaxDelay: 60 * time.Second, GroupGracePeriod: 30 * time.Second,
		GroupAggregator: asynq.GroupAggregatorFunc(func(group string, tasks []*asynq.Task) *asynq.Task {
			var parts []string
			for _, task := range tasks {
				parts = append(parts, string(task.Payload()))
			}
			slices.Sort(parts)
			return asynq.NewTask("sum", []byte(group+":"+strings.Join(parts, "")))
		}),
	})
	for _, each := range []string{"a", "b", "c"} {
		enqueue("part", each, asynq.Queue("grouped"), asynq.Group("letters"))
	}
	check.Equal(seen.waitFor(1), []string{"letters:abc"}, "the aggregate")
	server.Shutdown()
}

func cancels() {
	var seen record
	handle("long", func(ctx context.Context, _ *asynq.Task) error {
		seen.add("started")
		<-ctx.Done()
		seen.add("canceled")
		return asynq.SkipRetry
	})
	info := enqueue("long", "")
	seen.waitFor(1)
	check.Right(inspector.CancelProcessing(info.ID), "CancelProcessing")
	seen.waitFor(2)
	late := enqueue("long", "", asynq.Timeout(time.Second))
	seen.waitFor(4)
	check.Until(func() bool { return state("default", late.ID) == asynq.TaskStateArchived }, "the task that took too long")
}

func periodic() {
	var seen record
	handle("tick", func(context.Context, *asynq.Task) error { seen.add("tick"); return nil })
	scheduler := asynq.NewScheduler(connection, &asynq.SchedulerOpts{Logger: quiet{}})
	check.Must(scheduler.Register("@every 1s", asynq.NewTask("tick", nil)))
	check.Right(scheduler.Start(), "start of the scheduler")
	seen.waitFor(2)
	check.Until(func() bool {
		entries, err := inspector.SchedulerEntries()
		return err == nil && len(entries) == 1
	}, "the scheduler's entry")
	scheduler.Shutdown()
}

func pauses() {
	var seen record
	handle("held", func(context.Context, *asynq.Task) error { seen.add("run"); return nil })
	check.Right(inspector.PauseQueue("default"), "PauseQueue")
	// What a worker had begun to take before the pause is not the one after it.
	check.Equal(check.Must(inspector.GetQueueInfo("default")).Paused, true, "Paused")
	info := enqueue("held", "")
	check.Equal(state("default", info.ID), asynq.TaskStatePending, "the state")
	check.Right(inspector.UnpauseQueue("default"), "UnpauseQueue")
	seen.waitFor(1)
}

// A server that stops hands its tasks back, and another one takes them.
func handOver() {
	var seen record
	handle("handed", func(ctx context.Context, _ *asynq.Task) error {
		seen.add("try")
		if len(seen.all()) == 1 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	server := startServer(asynq.Config{Queues: map[string]int{"handed": 1}, ShutdownTimeout: 100 * time.Millisecond})
	enqueue("handed", "", asynq.Queue("handed"))
	seen.waitFor(1)
	server.Shutdown()
	check.Equal(check.Must(inspector.GetQueueInfo("handed")).Pending, 1, "the pending tasks")
	other := startServer(asynq.Config{Queues: map[string]int{"handed": 1}})
	seen.waitFor(2)
	other.Shutdown()
}

func inspect() {
	info := check.Must(inspector.GetQueueInfo("default"))
	check.Equal(info.ProcessedTotal >= 500, true, "ProcessedTotal")
	check.Equal(info.MemoryUsage > 0, true, "MemoryUsage")
	check.Equal(len(check.Must(inspector.History("default", 2))), 2, "History")
	check.Until(func() bool {
		servers, err := inspector.Servers()
		return err == nil && len(servers) == 1
	}, "the one server")
	check.Right(inspector.DeleteQueue("low", false), "DeleteQueue")
}

func main() {
	connection = check.Must(asynq.ParseRedisURI(check.RedisURL()))
	client = asynq.NewClient(connection)
	inspector = asynq.NewInspector(connection)
	startServer(asynq.Config{Concurrency: 10})
	check.Run([]check.Scenario{
		{Name: "500 tasks", Run: manyTasks},
		{Name: "results that are kept", Run: results},
		{Name: "retries", Run: retries},
		{Name: "archived tasks, run again", Run: archive},
		{Name: "tasks in the future", Run: scheduled},
		{Name: "unique tasks", Run: unique},
		{Name: "queues with priorities", Run: priorities},
		{Name: "groups that are aggregated", Run: groups},
		{Name: "cancellation and time-out", Run: cancels},
		{Name: "periodic tasks", Run: periodic},
		{Name: "a queue that is paused", Run: pauses},
		{Name: "tasks of a server that stops", Run: handOver},
		{Name: "what the inspector tells", Run: inspect},
	})
}
