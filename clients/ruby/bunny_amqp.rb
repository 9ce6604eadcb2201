# bunny, as an application uses it.
require "bunny"
require_relative "check"

MANY = 10_000

def connect(name = nil)
  connection = Bunny.new(Check::AMQP_URL, connection_name: name, logger: Logger.new(IO::NULL))
  connection.start
end

SHARED = connect

def fresh(confirmed: false)
  channel = SHARED.create_channel
  channel.confirm_select if confirmed
  channel
end

def publish(channel, exchange, key, *bodies, **options)
  bodies.each { |body| channel.basic_publish(body, exchange, key, options) }
  Check.equal(channel.wait_for_confirms, true) if channel.using_publisher_confirmations?
end

def got(queue)
  found = nil
  Check.until("a message of #{queue.name}") { (found = queue.pop(manual_ack: true))[0] }
  found
end

def bodies(queue)
  found = []
  while (message = queue.pop)[0]
    found << message[2]
  end
  found
end

Check.scenario("confirms, mandatory returns, refusals of a full queue") do
  channel = fresh(confirmed: true)
  queue = channel.queue("confirmed", durable: true)
  publish(channel, "", "confirmed", "1", "2", persistent: true)
  Check.equal(bodies(queue), %w[1 2])
  returned = []
  channel.default_exchange.on_return { |info, _, body| returned << [info.reply_code, info.reply_text, body] }
  publish(channel, "", "nobody", "lost", mandatory: true)
  Check.until("the return") { returned == [[312, "NO_ROUTE", "lost"]] }
  channel.queue("full", arguments: { "x-max-length" => 1, "x-overflow" => "reject-publish" })
  publish(channel, "", "full", "fits")
  channel.basic_publish("too much", "", "full")
  Check.equal(channel.wait_for_confirms, false)
end

Check.scenario("properties, headers, an empty and a large body") do
  channel = fresh(confirmed: true)
  queue = channel.queue("properties")
  headers = { "text" => "größe".b, "number" => 7, "large" => 2**40, "true" => true, "float" => 0.5, "nil" => nil, "list" => [1, "two"], "table" => { "deep" => { "er" => 1 } } }
  ["", "x" * 2_000_000].each do |body|
    publish(channel, "", "properties", body, headers: headers, content_type: "text/plain", persistent: true, priority: 3, correlation_id: "c", reply_to: "r",
      expiration: "60000", message_id: "m", timestamp: 1_600_000_000, type: "t", user_id: "guest", app_id: "a")
    delivery, found, received = got(queue)
    channel.ack(delivery.delivery_tag)
    Check.equal(received == body, true)
    Check.equal(found.headers, headers)
    Check.equal([found.content_type, found.delivery_mode, found.priority, found.correlation_id, found.reply_to, found.expiration], ["text/plain", 2, 3, "c", "r", "60000"])
    Check.equal([found.message_id, found.timestamp.to_i, found.type, found.user_id, found.app_id], ["m", 1_600_000_000, "t", "guest", "a"])
  end
end

Check.scenario("prefetch, acknowledgement of many, nack with requeue") do
  channel = fresh(confirmed: true)
  queue = channel.queue("prefetch")
  publish(channel, "", "prefetch", *(0...10).map(&:to_s))
  channel.prefetch(3)
  seen = []
  queue.subscribe(manual_ack: true) { |delivery, _, body| seen << [delivery.delivery_tag, delivery.redelivered?, body] }
  Check.until("three messages") { seen.size == 3 }
  Check.equal(fresh.queue("prefetch", passive: true).message_count, 7)
  channel.ack(seen[1][0], true)
  Check.until("two more") { seen.size == 5 }
  channel.nack(seen[2][0], false, true)
  Check.until("the message again") { seen.size == 6 }
  Check.equal(seen[5][1..], [true, "2"])
  channel.close
end

Check.scenario("dead letters: rejected, expired, delivered too often") do
  channel = fresh(confirmed: true)
  letters = channel.queue("letters").bind(channel.fanout("dead"))
  died = lambda do |queue, reason|
    delivery, properties, = got(letters)
    channel.ack(delivery.delivery_tag)
    death = properties.headers["x-death"][0]
    Check.equal([death["queue"], death["reason"], death["count"]], [queue, reason, 1])
  end
  rejecting = channel.queue("rejecting", arguments: { "x-dead-letter-exchange" => "dead" })
  publish(channel, "", "rejecting", "no")
  channel.reject(got(rejecting)[0].delivery_tag)
  died.call("rejecting", "rejected")
  channel.queue("expiring", arguments: { "x-dead-letter-exchange" => "dead", "x-message-ttl" => 20 })
  publish(channel, "", "expiring", "late")
  died.call("expiring", "expired")
  poisoned = channel.queue("poisoned", durable: true, arguments: { "x-queue-type" => "quorum", "x-dead-letter-exchange" => "dead", "x-delivery-limit" => 1 })
  publish(channel, "", "poisoned", "poison")
  2.times { channel.nack(got(poisoned)[0].delivery_tag, false, true) }
  died.call("poisoned", "delivery_limit")
end

Check.scenario("RPC over direct reply-to") do
  server, client = fresh, fresh
  server.queue("double").subscribe(manual_ack: true) do |delivery, properties, body|
    server.default_exchange.publish((2 * body.to_i).to_s, routing_key: properties.reply_to, correlation_id: properties.correlation_id)
    server.ack(delivery.delivery_tag)
  end
  replies = {}
  client.basic_consume("amq.rabbitmq.reply-to", "", true) { |_, properties, body| replies[properties.correlation_id.to_i] = body.to_i }
  100.times { |i| publish(client, "", "double", i.to_s, reply_to: "amq.rabbitmq.reply-to", correlation_id: i.to_s) }
  Check.until("the replies") { replies.size == 100 }
  Check.equal(replies, (0...100).to_h { |i| [i, 2 * i] })
end

Check.scenario("topic and headers exchanges, bindings between them") do
  channel = fresh(confirmed: true)
  topic, headers = channel.topic("topic"), channel.headers("headers")
  stars = channel.queue("stars").bind(topic, routing_key: "a.*.#")
  match = channel.queue("match").bind(headers, arguments: { "x-match" => "all", "kind" => "pdf" })
  headers.bind(topic, routing_key: "#")
  { "a.b" => "pdf", "a" => "txt", "a.b.c" => "txt" }.each { |key, kind| publish(channel, "topic", key, key, headers: { "kind" => kind }) }
  Check.equal([bodies(stars), bodies(match)], [%w[a.b a.b.c], %w[a.b]])
  stars.unbind(topic, routing_key: "a.*.#")
  topic.delete
end

Check.scenario("priorities of consumers, cancellation by the server") do
  channel = fresh(confirmed: true)
  channel.prefetch(1)
  queue = channel.queue("preferred")
  by, cancelled = [], []
  [1, 9].each do |priority|
    consumer = Bunny::Consumer.new(channel, queue, channel.generate_consumer_tag, false, false, { "x-priority" => priority })
    consumer.on_delivery { by << priority }
    consumer.on_cancellation { cancelled << priority }
    queue.subscribe_with(consumer)
  end
  publish(channel, "", "preferred", "a")
  publish(channel, "", "preferred", "b")
  Check.until("two messages") { by.size == 2 }
  Check.equal(by, [9, 1])
  fresh.queue_delete("preferred")
  Check.until("both cancellations") { cancelled.sort == [1, 9] }
end

Check.scenario("exclusive queues, errors, transactions") do
  owner = connect
  named = owner.create_channel.queue("", exclusive: true).name
  Check.fails("RESOURCE_LOCKED") { fresh.queue(named, passive: true) }
  owner.close
  Check.fails("NOT_FOUND") { fresh.queue("nothing", passive: true) }
  fresh.topic("topic-exchange")
  Check.fails("inequivalent arg 'type'") { fresh.fanout("topic-exchange") }
  Check.fails("invalid arg 'x-message-ttl'") { fresh.queue("bad", arguments: { "x-message-ttl" => -1 }) }
  channel = fresh
  queue = channel.queue("tx")
  channel.tx_select
  publish(channel, "", "tx", "kept")
  Check.equal(fresh.queue("tx", passive: true).message_count, 0)
  channel.tx_commit
  publish(channel, "", "tx", "lost")
  channel.tx_rollback
  Check.equal(bodies(fresh.queue("tx", passive: true)), %w[kept])
end

Check.scenario("streams with offsets") do
  channel = fresh(confirmed: true)
  channel.queue("stream", durable: true, arguments: { "x-queue-type" => "stream" })
  publish(channel, "", "stream", *(0...100).map(&:to_s))
  { "first" => 0, 60 => 60 }.each do |offset, first|
    reader = fresh
    reader.prefetch(20)
    seen = []
    reader.queue("stream", passive: true, durable: true).subscribe(manual_ack: true, arguments: { "x-stream-offset" => offset }) do |delivery, properties, body|
      seen << [properties.headers["x-stream-offset"], body.to_i]
      reader.ack(delivery.delivery_tag)
    end
    Check.until("the records") { seen.size == 100 - first }
    Check.equal(seen, (first...100).map { |i| [i, i] })
    reader.close
  end
end

Check.scenario("10,000 messages with confirms, consumed meanwhile") do
  publisher, consumer = fresh(confirmed: true), fresh
  consumer.prefetch(500)
  seen = []
  consumer.queue("many", durable: true).subscribe(manual_ack: true) do |delivery, _, body|
    seen << body.to_i
    consumer.ack(delivery.delivery_tag, true) if (seen.size % 100).zero?
  end
  publish(publisher, "", "many", *(0...MANY).map(&:to_s), persistent: true)
  Check.until("all messages") { seen.size == MANY }
  Check.equal(seen == (0...MANY).to_a, true)
end

Check.finish
