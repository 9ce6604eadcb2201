/**
 * The tests that do not pass, by suite and name, each with its reason. One that is named here and passes is an error of the run, so
 * that the list stays true.
 */
const noPlugin =
  "the component is refused as by a RabbitMQ without the plugins for shovels and federation, which do not run here";

const rabbitHole = "[It] RabbitMQ HTTP API client";

export const knownFailures: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "rabbit-hole-2.16.0": Object.fromEntries(
    [
      "GET /api/parameters/federation-upstream when there are upstreams returns the list of upstreams",
      "GET /api/parameters/federation-upstream/{vhost} when there are upstreams returns the list of upstreams",
      "GET /api/parameters/federation-upstream/{vhost}/{upstream} when the upstream exists returns the upstream",
      "PUT /api/parameters/federation-upstream/{vhost}/{upstream} when the upstream does not exist creates the upstream",
      "PUT /api/parameters/federation-upstream/{vhost}/{upstream} when the upstream exists updates the upstream",
      "DELETE /api/parameters/federation-upstream/{vhost}/{name} when the upstream exists deletes the upstream",
      "GET /api/federation-links/{vhost} when there are links returns the list of links",
      "PUT /parameters/shovel/{vhost}/{name} declares a shovel using AMQP 1.0 protocol",
      "PUT /parameters/shovel/{vhost}/{name} declares a shovel",
      "PUT /parameters/shovel/{vhost}/{name} declares a shovel with a numeric delete-after value",
      "GET /shovels/{vhost} reports status of Shovels in target virtual host",
      "PUT /api/parameters/{component}/{vhost}/{name} when the parameter does not exist creates the parameter",
      "GET /api/parameters when there are runtime parameters returns the list of parameters",
    ].map((name) => [`${rabbitHole} ${name}`, noPlugin]),
  ),
  "pika-1.4.0": {
    "tests.acceptance.blocking_adapter_test.TestInvalidExchangeTypeRaisesConnectionClosed > test":
      "an unknown exchange type closes the connection with 503, as in RabbitMQ 3.10; later versions close the channel with 406",
  },
};
