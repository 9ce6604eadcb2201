/** The suites, and how many tests of each rabbitmq-server 3.10.8 passes: `--peer` measures it again. */
import type { Checkouts, Suite } from "./suite.ts";
import { amqplib } from "./suites/amqplib.ts";
import { amqp091Go, rabbitHole } from "./suites/go.ts";
import { bunny, phpAmqplib } from "./suites/debian.ts";
import { kombu, pika, pyAmqp } from "./suites/python.ts";

export const suitesAndCounts = (checkouts: Checkouts): readonly (readonly [Suite, number])[] => [
  [amqplib, 336],
  [amqp091Go, 383],
  [rabbitHole, 137],
  [pyAmqp, 48],
  [kombu, 51],
  [pika(checkouts), 560],
  [bunny(checkouts), 242],
  [phpAmqplib(checkouts), 53],
];
