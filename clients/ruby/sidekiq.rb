# Sidekiq: a worker process of its own, and an application that enqueues and looks.
require "sidekiq/api"
require_relative "check"
require_relative "sidekiq_jobs"

R = Redis.new(url: Check::REDIS_URL)
R.flushall

# Longer than a thread without work waits for one (2 s): it would take a job that is handed back, and end with it.
STOP_SECONDS = "5"

def start_worker(*arguments)
  spawn({ "RUBYOPT" => "-W0" }, "sidekiq", "--require", "./sidekiq_jobs.rb", "--concurrency", "5", "--timeout", STOP_SECONDS, *arguments)
end

worker = start_worker("--queue", "critical", "--queue", "default", "--queue", "low")

Check.scenario("100 jobs, one by one and in bulk") do
  50.times { |i| NoteJob.perform_async("many", i) }
  NoteJob.perform_bulk((50...100).map { |i| ["many", i] })
  Check.until("100 jobs") { R.llen("many") == 100 }
  Check.equal(R.lrange("many", 0, -1).map(&:to_i).sort, (0...100).to_a)
end

Check.scenario("jobs in the future") do
  NoteJob.perform_in(1, "later", "soon")
  NoteJob.perform_at(Time.now + 3600, "later", "never")
  Check.until("the job") { R.lrange("later", 0, -1) == ["soon"] }
  set = Sidekiq::ScheduledSet.new
  Check.equal(set.size, 1)
  Check.equal(set.first.args, %w[later never])
  set.first.delete
  Check.equal(set.size, 0)
end

Check.scenario("retries") do
  FlakyJob.perform_async("flaky")
  Check.until("the third try") do
    # Sidekiq adds a random time of its own, up to half a minute.
    Sidekiq::RetrySet.new.retry_all
    R.lrange("flaky:done", 0, -1) == ["3"]
  end
  Check.equal(Sidekiq::RetrySet.new.size, 0)
end

Check.scenario("the dead set") do
  HopelessJob.perform_async
  Check.until("the dead job") { Sidekiq::DeadSet.new.size == 1 }
  Check.equal(R.lrange("exhausted", 0, -1), ["HopelessJob hopeless"])
  Check.equal(Sidekiq::DeadSet.new.first["error_message"], "hopeless")
  Sidekiq::DeadSet.new.first.retry
  Check.until("the second failure") { R.llen("exhausted") == 2 }
end

Check.scenario("queues, their statistics, a queue that is cleared") do
  3.times { |i| NoteJob.set(queue: "unread").perform_async("x", i) }
  queue = Sidekiq::Queue.new("unread")
  Check.equal(queue.size, 3)
  Check.equal(queue.map(&:args), [["x", 2], ["x", 1], ["x", 0]])
  Check.equal(queue.find_job(queue.first.jid).args, ["x", 2])
  Check.until("the counters") { Sidekiq::Stats.new.processed >= 100 }
  Check.until("the counter of failures") { Sidekiq::Stats.new.failed >= 3 }
  queue.clear
  Check.equal(Sidekiq::Queue.all.map(&:name).include?("unread"), false)
end

Check.scenario("the process is listed, and told to be quiet") do
  Check.until("the process") { Sidekiq::ProcessSet.new.size == 1 }
  Check.equal(Sidekiq::ProcessSet.new.first["queues"].sort, %w[critical default low])
  Sidekiq::ProcessSet.new.first.quiet!
  Check.until("the quiet process") { Sidekiq::ProcessSet.new.first&.stopping? }
  Process.kill("TERM", worker)
  Process.wait(worker)
end

Check.scenario("a worker that stops hands its job to the next") do
  LongJob.perform_async("long")
  first = start_worker("--queue", "default")
  Check.until("the job's start") { R.llen("long:started") == 1 }
  Process.kill("TERM", first)
  Process.wait(first)
  Check.equal(Sidekiq::Queue.new("default").size, 1)
  second = start_worker("--queue", "default")
  Check.until("the job's end") { R.lrange("long:done", 0, -1) == ["2"] }
  Process.kill("TERM", second)
  Process.wait(second)
end

Check.finish
