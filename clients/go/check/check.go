// Package check is how every program of clients/go says what it checked, and how it waits.
package check

import (
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"time"
)

const waitMax = 60 * time.Second

// RedisURL is where the server listens.
func RedisURL() string { return os.Getenv("REDIS_URL") }

// AmqpURL is where the server listens for AMQP.
func AmqpURL() string { return os.Getenv("AMQP_URL") }

// ManagementURL is where it has RabbitMQ's management API.
func ManagementURL() string { return os.Getenv("MANAGEMENT_URL") }

type failure struct{ text string }

func fail(format string, values ...any) { panic(failure{fmt.Sprintf(format, values...)}) }

// Equal ends the scenario unless both are the same.
func Equal(actual, expected any, what string) {
	if !reflect.DeepEqual(actual, expected) {
		fail("%s: %#v is not %#v", what, actual, expected)
	}
}

// Right ends the scenario when there is an error.
func Right(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

// Must gives the value of a call that has no error.
func Must[Value any](value Value, err error) Value {
	Right(err, "error")
	return value
}

// Fails ends the scenario unless there is an error whose text has this in it.
func Fails(err error, text string) {
	if err == nil || !strings.Contains(err.Error(), text) {
		fail("error %v has not %q in it", err, text)
	}
}

// Until waits for what comes about by itself. Its bound says that it never came; it measures nothing.
func Until(find func() bool, what string) {
	for deadline := time.Now().Add(waitMax); !find(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			fail("%s did not come within %v", what, waitMax)
		}
	}
}

// Scenario is one thing that a program tries.
type Scenario struct {
	Name string
	Run  func()
}

// Run tries all and ends the program.
func Run(scenarios []Scenario) {
	failed := false
	for _, each := range scenarios {
		failed = !succeeds(each) || failed
	}
	if failed {
		os.Exit(1)
	}
	os.Exit(0)
}

func succeeds(each Scenario) (is bool) {
	defer func() {
		if reason := recover(); reason != nil {
			fmt.Printf("FAILED: %s: %v\n%s\n", each.Name, reason, debug.Stack())
			is = false
		}
	}()
	each.Run()
	fmt.Printf("ok: %s\n", each.Name)
	return true
}
