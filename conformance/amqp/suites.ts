/** The suites, and how many tests of each rabbitmq-server 3.10.8 passes: `--peer` measures it again. */
import type { Checkouts, Suite } from "./suite.ts";
import { amqplib } from "./suites/amqplib.ts";
import { amqp091Go, rabbitHole } from "./suites/go.ts";
import { kombu, pika, pyAmqp } from "./suites/python.ts";

export const suitesAndCounts = (checkouts: Checkouts): readonly (readonly [Suite, number])[] => [
  [amqplib, 0],
  [amqp091Go, 0],
  [rabbitHole, 0],
  [pyAmqp, 0],
  [kombu, 0],
  [pika(checkouts), 0],
];
