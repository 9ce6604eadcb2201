/** LATENCY DOCTOR: the report, in redis's words where they are true here. */
import type { LatencyEvent, LatencyEvents, LatencySample } from "./latency-events.ts";

const disabled =
  "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use \"CONFIG SET " +
  "latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a " +
  "look at https://redis.io/topics/latency-monitor.\n";
const nothingSeen =
  "Dave, no latency spike was observed during the lifetime of this Redis instance, not in the slightest bit. I honestly think " +
  "you ought to sit down calmly, take a stress pill, and think things over.\n";
const opening =
  "Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, do you Dave?\n\n";

const inspectAdvice =
  "- Check your Slow Log to understand what are the commands you are running which are too slow to execute. Please check " +
  "https://redis.io/commands/slowlog for more information.\n";
const largeObjectsAdvice =
  "- Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you have very large " +
  "objects that are often deleted, expired, or evicted, try to fragment those objects into multiple smaller objects.\n";
const schedulerAdvice =
  "- The system is slow to execute Redis code paths not containing system calls. This usually means the system does not provide " +
  "Redis CPU time to run for long periods. You should try to:\n" +
  "  1) Lower the system load.\n" +
  "  2) Use a computer / VM just for Redis if you are running other software in the same system.\n" +
  '  3) Check if you have a "noisy neighbour" problem.\n' +
  "  4) Check with 'redis-cli --intrinsic-latency 100' what is the intrinsic latency in your system.\n";

export function latencyReport(events: LatencyEvents, slowerThanUs: number): string {
  const { byName, threshold } = events;
  if (byName.size === 0) return threshold === 0 ? disabled : nothingSeen;
  let report = opening;
  let number = 0;
  for (const [name, event] of byName) report += lineOf(++number, name, event, events.seconds);
  report += "\nI have a few advices for you:\n\n";
  if (byName.has("command")) report += slowlogAdvice(slowerThanUs, threshold) + inspectAdvice;
  if (byName.has("fast-command")) report += schedulerAdvice;
  if (byName.has("command")) report += largeObjectsAdvice;
  return report;
}

function slowlogAdvice(slowerThanUs: number, threshold: number): string {
  if (slowerThanUs < 0)
    return (
      "- There are latency issues with potentially slow commands you are using. Try to enable the Slow Log Redis feature using " +
      `the command 'CONFIG SET slowlog-log-slower-than ${threshold * 1000}'. If the Slow log is disabled Redis is not able to log ` +
      "slow commands execution for you.\n"
    );
  if (Math.floor(slowerThanUs / 1000) <= threshold) return "";
  return (
    "- Your current Slow Log configuration only logs events that are slower than your configured latency monitor threshold. " +
    `Please use 'CONFIG SET slowlog-log-slower-than ${threshold * 1000}'.\n`
  );
}

function lineOf(number: number, name: string, { samples, max }: LatencyEvent, seconds: number): string {
  const count = samples.length;
  const average = Math.floor(sum(samples, ({ latency }) => latency) / count);
  const deviation = Math.floor(sum(samples, ({ latency }) => Math.abs(average - latency)) / count);
  const period = (seconds - samples[0]!.time || 1) / count;
  return (
    `${number}. ${name}: ${count} latency spikes (average ${average}ms, mean deviation ${deviation}ms, ` +
    `period ${period.toFixed(2)} sec). Worst all time event ${max}ms.\n`
  );
}

function sum(samples: readonly LatencySample[], valueOf: (sample: LatencySample) => number): number {
  return samples.reduce((total, sample) => total + valueOf(sample), 0);
}
