# The jobs of sidekiq.rb: its worker process loads them by name.
require "sidekiq"

url = ENV["REDIS_URL"]
Sidekiq.configure_server do |config|
  config.redis = { url: url }
  config.options[:average_scheduled_poll_interval] = 0.2
  config.logger.level = Logger::WARN
end
Sidekiq.configure_client { |config| config.redis = { url: url } }

def note(key, value)
  Sidekiq.redis { |redis| redis.rpush(key, value) }
end

class NoteJob
  include Sidekiq::Job
  def perform(key, value)
    note(key, value)
  end
end

class FlakyJob
  include Sidekiq::Job
  sidekiq_options retry: 5

  # Is right at the third try.
  def perform(key)
    tries = Sidekiq.redis { |redis| redis.incr(key) }
    raise "try #{tries}" if tries < 3

    note("#{key}:done", tries)
  end
end

class HopelessJob
  include Sidekiq::Job
  sidekiq_options retry: 0
  sidekiq_retries_exhausted { |job, error| note("exhausted", "#{job["class"]} #{error.message}") }

  def perform
    raise "hopeless"
  end
end

class LongJob
  include Sidekiq::Job
  def perform(key)
    tries = Sidekiq.redis { |redis| redis.incr("#{key}:tries") }
    note("#{key}:started", tries)
    sleep 300 if tries == 1
    note("#{key}:done", tries)
  end
end
