// amqp091-go, as an application uses it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"troikamq.example/clients/check"
)

const many = 10_000

var ctx = context.Background()
var shared *amqp.Connection

func connect(name string) *amqp.Connection {
	config := amqp.Config{Properties: amqp.NewConnectionProperties(), Heartbeat: 10 * time.Second}
	config.Properties.SetClientConnectionName(name)
	return check.Must(amqp.DialConfig(check.AmqpURL(), config))
}

func fresh() *amqp.Channel { return check.Must(shared.Channel()) }

func confirmed() *amqp.Channel {
	channel := fresh()
	check.Right(channel.Confirm(false), "confirm.select")
	return channel
}

func declare(channel *amqp.Channel, name string, args amqp.Table) {
	check.Must(channel.QueueDeclare(name, true, false, false, false, args))
}

// Publishes, and waits for the confirm of a channel that has them.
func publish(channel *amqp.Channel, exchange, key string, message amqp.Publishing) bool {
	confirmation := check.Must(channel.PublishWithDeferredConfirmWithContext(ctx, exchange, key, false, false, message))
	return confirmation == nil || check.Must(confirmation.WaitContext(ctx))
}

func text(body string) amqp.Publishing { return amqp.Publishing{Body: []byte(body)} }

func got(channel *amqp.Channel, queue string) amqp.Delivery {
	var found amqp.Delivery
	check.Until(func() bool {
		delivery, is, err := channel.Get(queue, false)
		check.Right(err, "basic.get")
		found = delivery
		return is
	}, "a message of "+queue)
	return found
}

func bodies(channel *amqp.Channel, queue string) []string {
	found := []string{}
	for {
		delivery, is, err := channel.Get(queue, true)
		check.Right(err, "basic.get")
		if !is {
			return found
		}
		found = append(found, string(delivery.Body))
	}
}

func next[Value any](from <-chan Value, what string) Value {
	select {
	case value := <-from:
		return value
	case <-time.After(time.Minute):
		panic(what + " did not come")
	}
}

func count(queue string) int {
	return check.Must(fresh().QueueDeclarePassive(queue, false, false, false, false, nil)).Messages
}

func confirms() {
	channel := confirmed()
	declare(channel, "confirmed", nil)
	check.Equal(publish(channel, "", "confirmed", text("1")), true, "the confirm")
	returns := channel.NotifyReturn(make(chan amqp.Return, 1))
	confirmation := check.Must(channel.PublishWithDeferredConfirm("", "nobody", true, false, text("lost")))
	check.Equal(confirmation.Wait(), true, "the confirm of a returned message")
	returned := next(returns, "the return")
	check.Equal([]any{returned.ReplyCode, returned.ReplyText, string(returned.Body)}, []any{uint16(312), "NO_ROUTE", "lost"}, "the return")
	declare(channel, "full", amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
	check.Equal(publish(channel, "", "full", text("1")), true, "what fits")
	check.Equal(publish(channel, "", "full", text("2")), false, "what does not fit")
	check.Equal(bodies(channel, "full"), []string{"1"}, "the full queue")
}

func properties() {
	channel := confirmed()
	declare(channel, "properties", nil)
	headers := amqp.Table{
		"text": "größe", "bool": true, "byte": byte(7), "int8": int8(-7), "int16": int16(-300), "int32": int32(70000), "int64": int64(1 << 40),
		"float32": float32(0.5), "float64": 0.25, "decimal": amqp.Decimal{Scale: 2, Value: 125}, "bytes": []byte{0, 255}, "nil": nil,
		"time": time.Unix(1_600_000_000, 0), "table": amqp.Table{"deep": amqp.Table{"er": int32(1)}}, "list": []any{int32(1), "two", amqp.Table{"three": true}},
	}
	for _, body := range []string{"", strings.Repeat("x", 2_000_000)} {
		publish(channel, "", "properties", amqp.Publishing{
			Headers: headers, ContentType: "text/plain", ContentEncoding: "utf-8", DeliveryMode: amqp.Persistent, Priority: 3, CorrelationId: "c",
			ReplyTo: "r", Expiration: "60000", MessageId: "m", Timestamp: time.Unix(1_600_000_000, 0), Type: "t", UserId: "guest", AppId: "a", Body: []byte(body),
		})
		found := got(channel, "properties")
		check.Right(found.Ack(false), "ack")
		check.Equal(reflect.DeepEqual(found.Headers, headers), true, fmt.Sprint(found.Headers))
		check.Equal(string(found.Body) == body, true, "the body")
		check.Equal([]any{found.ContentType, found.ContentEncoding, found.DeliveryMode, found.Priority, found.CorrelationId, found.ReplyTo, found.Expiration},
			[]any{"text/plain", "utf-8", uint8(2), uint8(3), "c", "r", "60000"}, "properties")
		check.Equal([]any{found.MessageId, found.Timestamp.Unix(), found.Type, found.UserId, found.AppId}, []any{"m", int64(1_600_000_000), "t", "guest", "a"}, "properties")
	}
}

func prefetch() {
	channel := confirmed()
	declare(channel, "prefetch", nil)
	for i := range 10 {
		publish(channel, "", "prefetch", text(strconv.Itoa(i)))
	}
	check.Right(channel.Qos(3, 0, false), "qos")
	deliveries := check.Must(channel.Consume("prefetch", "me", false, false, false, false, nil))
	first, second, third := next(deliveries, "1"), next(deliveries, "2"), next(deliveries, "3")
	check.Equal(count("prefetch"), 7, "what waits")
	check.Right(second.Ack(true), "ack of two")
	next(deliveries, "4")
	next(deliveries, "5")
	check.Right(third.Nack(false, true), "nack")
	again := next(deliveries, "the message again")
	check.Equal([]any{string(again.Body), again.Redelivered}, []any{"2", true}, "the message again")
	check.Right(channel.Cancel("me", false), "cancel")
	check.Right(channel.Close(), "close")
	check.Equal([]any{string(first.Body), count("prefetch")}, []any{"0", 8}, "what is there again")
}

func deadLetters() {
	channel := confirmed()
	check.Right(channel.ExchangeDeclare("dead", "fanout", true, false, false, false, nil), "exchange")
	declare(channel, "letters", nil)
	check.Right(channel.QueueBind("letters", "", "dead", false, nil), "bind")
	died := func(queue, reason, body string) {
		letter := got(channel, "letters")
		check.Right(letter.Ack(false), "ack")
		death := letter.Headers["x-death"].([]any)[0].(amqp.Table)
		check.Equal([]any{death["queue"], death["reason"], death["count"], string(letter.Body)}, []any{queue, reason, int64(1), body}, "the dead letter")
	}
	declare(channel, "rejecting", amqp.Table{"x-dead-letter-exchange": "dead"})
	publish(channel, "", "rejecting", text("no"))
	check.Right(got(channel, "rejecting").Reject(false), "reject")
	died("rejecting", "rejected", "no")
	declare(channel, "expiring", amqp.Table{"x-dead-letter-exchange": "dead", "x-message-ttl": 60_000})
	message := text("late")
	message.Expiration = "20"
	publish(channel, "", "expiring", message)
	died("expiring", "expired", "late")
	declare(channel, "short", amqp.Table{"x-dead-letter-exchange": "dead", "x-max-length": 1})
	publish(channel, "", "short", text("old"))
	publish(channel, "", "short", text("new"))
	died("short", "maxlen", "old")
	declare(channel, "poisoned", amqp.Table{"x-dead-letter-exchange": "dead", amqp.QueueTypeArg: amqp.QueueTypeQuorum, "x-delivery-limit": 1})
	publish(channel, "", "poisoned", text("poison"))
	check.Right(got(channel, "poisoned").Nack(false, true), "nack")
	check.Right(got(channel, "poisoned").Nack(false, true), "nack")
	died("poisoned", "delivery_limit", "poison")
}

func rpc() {
	server, client := fresh(), fresh()
	declare(server, "double", nil)
	asked := check.Must(server.Consume("double", "", false, false, false, false, nil))
	go func() {
		for each := range asked {
			n, _ := strconv.Atoi(string(each.Body))
			reply := text(strconv.Itoa(2 * n))
			reply.CorrelationId = each.CorrelationId
			_ = server.PublishWithContext(ctx, "", each.ReplyTo, false, false, reply)
			_ = each.Ack(false)
		}
	}()
	replies := check.Must(client.Consume("amq.rabbitmq.reply-to", "", true, false, false, false, nil))
	for i := range 200 {
		question := text(strconv.Itoa(i))
		question.ReplyTo, question.CorrelationId = "amq.rabbitmq.reply-to", strconv.Itoa(i)
		check.Right(client.PublishWithContext(ctx, "", "double", false, false, question), "publish")
	}
	for i := range 200 {
		reply := next(replies, "the reply")
		check.Equal([]string{reply.CorrelationId, string(reply.Body)}, []string{strconv.Itoa(i), strconv.Itoa(2 * i)}, "the reply")
	}
	check.Right(server.Close(), "close")
	check.Right(client.Close(), "close")
}

func exchanges() {
	channel := confirmed()
	check.Right(channel.ExchangeDeclare("rest", "fanout", false, true, false, false, nil), "fanout")
	check.Right(channel.ExchangeDeclare("topic", "topic", true, false, false, false, amqp.Table{"alternate-exchange": "rest"}), "topic")
	check.Right(channel.ExchangeDeclare("headers", "headers", true, false, false, false, nil), "headers")
	check.Right(channel.ExchangeDeclare("inner", "direct", true, false, true, false, nil), "internal")
	for _, queue := range []string{"stars", "hashes", "rest", "match"} {
		declare(channel, queue, nil)
	}
	check.Right(channel.QueueBind("stars", "a.*.c", "topic", false, nil), "bind")
	check.Right(channel.QueueBind("hashes", "a.#", "topic", false, nil), "bind")
	check.Right(channel.QueueBind("rest", "", "rest", false, nil), "bind")
	check.Right(channel.QueueBind("match", "", "headers", false, amqp.Table{"x-match": "all", "kind": "pdf", "pages": 3}), "bind")
	for _, key := range []string{"a.b.c", "a", "b"} {
		publish(channel, "topic", key, text(key))
	}
	check.Equal(bodies(channel, "stars"), []string{"a.b.c"}, "*")
	check.Equal(bodies(channel, "hashes"), []string{"a.b.c", "a"}, "#")
	check.Equal(bodies(channel, "rest"), []string{"b"}, "the alternate exchange")
	for _, pages := range []int{3, 4} {
		publish(channel, "headers", "", amqp.Publishing{Headers: amqp.Table{"kind": "pdf", "pages": pages}, Body: []byte(strconv.Itoa(pages))})
	}
	check.Equal(bodies(channel, "match"), []string{"3"}, "headers")
	check.Right(channel.ExchangeBind("inner", "a.x", "topic", false, nil), "bind of exchanges")
	check.Right(channel.QueueBind("match", "a.x", "inner", false, nil), "bind")
	publish(channel, "topic", "a.x", text("through"))
	check.Equal(bodies(channel, "match"), []string{"through"}, "the inner exchange")
	check.Right(channel.ExchangeUnbind("inner", "a.x", "topic", false, nil), "unbind")
	publish(channel, "topic", "a.x", text("not"))
	check.Equal(bodies(channel, "match"), []string{}, "after unbind")
	check.Right(channel.ExchangeDelete("topic", false, false), "delete")
}

func consumers() {
	channel := confirmed()
	declare(channel, "preferred", nil)
	check.Right(channel.Qos(1, 0, false), "qos")
	low := check.Must(channel.Consume("preferred", "low", false, false, false, false, amqp.Table{"x-priority": 1}))
	high := check.Must(channel.Consume("preferred", "high", false, false, false, false, amqp.Table{"x-priority": 9}))
	publish(channel, "", "preferred", text("1"))
	publish(channel, "", "preferred", text("2"))
	check.Equal(string(next(high, "the first").Body)+string(next(low, "the second").Body), "12", "priorities")
	cancelled := channel.NotifyCancel(make(chan string, 2))
	check.Must(fresh().QueueDelete("preferred", false, false, false))
	one, other := next(cancelled, "a cancellation"), next(cancelled, "another")
	check.Equal(one != other, true, "both consumers are told")
	declare(channel, "single", amqp.Table{"x-single-active-consumer": true})
	first := check.Must(channel.Consume("single", "first", true, false, false, false, nil))
	second := check.Must(channel.Consume("single", "second", true, false, false, false, nil))
	publish(channel, "", "single", text("1"))
	check.Equal(string(next(first, "the first").Body), "1", "the active consumer")
	check.Right(channel.Cancel("first", false), "cancel")
	publish(channel, "", "single", text("2"))
	check.Equal(string(next(second, "the second").Body), "2", "the next one")
}

func exclusiveQueues() {
	owner := connect("owner")
	channel := check.Must(owner.Channel())
	named := check.Must(channel.QueueDeclare("", false, false, true, false, nil)).Name
	check.Equal(strings.HasPrefix(named, "amq.gen-"), true, named)
	_, err := fresh().QueueDeclarePassive(named, false, false, true, false, nil)
	check.Fails(err, "RESOURCE_LOCKED")
	check.Right(owner.Close(), "close")
	check.Until(func() bool {
		_, err := fresh().QueueDeclarePassive(named, false, false, true, false, nil)
		return err.(*amqp.Error).Code == amqp.NotFound
	}, "the end of the exclusive queue")
	channel = fresh()
	check.Must(channel.QueueDeclare("idle", false, false, false, false, amqp.Table{"x-expires": 50}))
	time.Sleep(time.Second)
	_, err = fresh().QueueDeclarePassive("idle", false, false, false, false, nil)
	check.Fails(err, "NOT_FOUND")
}

func transactions() {
	channel := fresh()
	declare(channel, "tx", nil)
	check.Right(channel.Tx(), "tx.select")
	check.Right(channel.PublishWithContext(ctx, "", "tx", false, false, text("kept")), "publish")
	check.Equal(count("tx"), 0, "before the commit")
	check.Right(channel.TxCommit(), "commit")
	check.Right(channel.PublishWithContext(ctx, "", "tx", false, false, text("lost")), "publish")
	check.Right(channel.TxRollback(), "rollback")
	check.Equal(count("tx"), 1, "after both")
}

func streams() {
	channel := confirmed()
	declare(channel, "stream", amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeStream, amqp.StreamMaxAgeArg: "7D"})
	for i := range 100 {
		publish(channel, "", "stream", text(strconv.Itoa(i)))
	}
	for offset, first := range map[any]int{"first": 0, int64(60): 60, time.Unix(1_500_000_000, 0): 0} {
		reader := fresh()
		check.Right(reader.Qos(20, 0, false), "qos")
		records := check.Must(reader.Consume("stream", "", false, false, false, false, amqp.Table{"x-stream-offset": offset}))
		for i := first; i < 100; i++ {
			record := next(records, "a record")
			check.Equal([]any{record.Headers["x-stream-offset"], string(record.Body)}, []any{int64(i), strconv.Itoa(i)}, "the record")
			check.Right(record.Ack(false), "ack")
		}
		check.Right(reader.Close(), "close")
	}
}

func errorsAndLimits() {
	channel := fresh()
	closed := channel.NotifyClose(make(chan *amqp.Error, 1))
	_, err := channel.QueueDeclare("bad", true, false, false, false, amqp.Table{"x-message-ttl": "soon"})
	check.Fails(err, "invalid arg 'x-message-ttl'")
	check.Equal(next(closed, "the end of the channel").Code, amqp.PreconditionFailed, "the code")
	declare(fresh(), "same", nil)
	_, err = fresh().QueueDeclare("same", false, false, false, false, nil)
	check.Fails(err, "inequivalent arg 'durable'")
	check.Fails(fresh().ExchangeDeclare("odd", "no-such-type", false, false, false, false, nil), "unknown exchange type 'no-such-type'")
	shared = connect("shared")
	check.Fails(fresh().QueueBind("same", "", "nothing", false, nil), "no exchange 'nothing'")
	_, err = amqp.Dial(strings.Replace(check.AmqpURL(), "guest:guest", "guest:wrong", 1))
	check.Fails(err, "username or password not allowed")
	_, err = amqp.DialConfig(check.AmqpURL(), amqp.Config{Vhost: "nowhere"})
	check.Fails(err, "vhost nowhere not found")
	small := check.Must(amqp.DialConfig(check.AmqpURL(), amqp.Config{ChannelMax: 2, FrameSize: 4096}))
	sender := check.Must(small.Channel())
	check.Must(small.Channel())
	_, err = small.Channel()
	check.Fails(err, "channel id space exhausted")
	declare(sender, "frames", nil)
	check.Right(sender.PublishWithContext(ctx, "", "frames", false, false, text(strings.Repeat("y", 100_000))), "publish")
	check.Equal(len(got(sender, "frames").Body), 100_000, "a body of many frames")
	check.Right(small.Close(), "close")
}

func manyMessages() {
	publisher, consumer := confirmed(), fresh()
	declare(publisher, "many", nil)
	confirmations := make([]*amqp.DeferredConfirmation, 0, many)
	var group sync.WaitGroup
	group.Go(func() {
		for i := range many {
			message := amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(strconv.Itoa(i))}
			confirmation, err := publisher.PublishWithDeferredConfirm("", "many", false, false, message)
			if err == nil {
				confirmations = append(confirmations, confirmation)
			}
		}
	})
	check.Right(consumer.Qos(500, 0, false), "qos")
	deliveries := check.Must(consumer.Consume("many", "", false, false, false, false, nil))
	for i := range many {
		delivery := next(deliveries, "a message")
		check.Equal(string(delivery.Body), strconv.Itoa(i), "the order")
		if i%100 == 99 {
			check.Right(delivery.Ack(true), "ack")
		}
	}
	group.Wait()
	check.Equal(len(confirmations), many, "confirmations")
	for _, each := range confirmations {
		check.Equal(each.Wait(), true, "the confirm")
	}
	check.Equal(count("many"), 0, "what is left")
}

func management(method, path string) []map[string]any {
	request := check.Must(http.NewRequest(method, check.ManagementURL()+"/api/"+path, nil))
	request.SetBasicAuth("guest", "guest")
	response := check.Must(http.DefaultClient.Do(request))
	defer response.Body.Close()
	var found []map[string]any
	_ = json.NewDecoder(response.Body).Decode(&found)
	return found
}

func reconnect() {
	connection := connect("closed-by-operator")
	channel := check.Must(connection.Channel())
	declare(channel, "kept", nil)
	publish(channel, "", "kept", text("unsettled"))
	got(channel, "kept")
	deliveries := check.Must(channel.Consume("kept", "", false, false, false, false, nil))
	closed := connection.NotifyClose(make(chan *amqp.Error, 1))
	check.Until(func() bool {
		for _, each := range management("GET", "connections") {
			if each["user_provided_name"] == "closed-by-operator" {
				management("DELETE", "connections/"+url.PathEscape(each["name"].(string)))
				return true
			}
		}
		return false
	}, "the connection in the list")
	reason := next(closed, "the end of the connection")
	check.Equal([]any{reason.Code, reason.Server}, []any{amqp.ConnectionForced, true}, "the reason")
	for range deliveries {
	}
	connection = connect("again")
	again := got(check.Must(connection.Channel()), "kept")
	check.Equal([]any{string(again.Body), again.Redelivered}, []any{"unsettled", true}, "the message again")
	check.Right(connection.Close(), "close")
}

func main() {
	shared = connect("shared")
	check.Run([]check.Scenario{
		{Name: "confirms, mandatory returns, refusals of a full queue", Run: confirms},
		{Name: "every property and kind of header, an empty and a large body", Run: properties},
		{Name: "prefetch, acknowledgement of many, nack with requeue", Run: prefetch},
		{Name: "dead letters: rejected, expired, dropped, delivered too often", Run: deadLetters},
		{Name: "RPC over direct reply-to", Run: rpc},
		{Name: "topic, headers, internal and alternate exchanges, bindings between them", Run: exchanges},
		{Name: "priorities of consumers, cancellation by the server, a single active consumer", Run: consumers},
		{Name: "exclusive queues and queues that expire", Run: exclusiveQueues},
		{Name: "transactions", Run: transactions},
		{Name: "streams with offsets", Run: streams},
		{Name: "errors, refused logins, negotiated limits", Run: errorsAndLimits},
		{Name: "10,000 messages with confirms, consumed meanwhile", Run: manyMessages},
		{Name: "a connection that an operator closes, and the next one", Run: reconnect},
	})
}
