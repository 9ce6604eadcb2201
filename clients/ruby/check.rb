# How every program of clients/ruby says what it checked, and how it waits.
require "json"
require "net/http"

module Check
  WAIT_SECONDS_MAX = 60
  REDIS_URL = ENV["REDIS_URL"]
  AMQP_URL = ENV["AMQP_URL"]
  @failed = false

  def self.equal(actual, expected)
    raise "#{actual.inspect} is not #{expected.inspect}" unless actual == expected
  end

  # The block raises, and the error's text has this in it.
  def self.fails(text)
    begin
      yield
    rescue StandardError => error
      return if error.message.include?(text)

      raise
    end
    raise "no error #{text}"
  end

  # Waits for what comes about by itself. Its bound says that it never came; it measures nothing.
  def self.until(what)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + WAIT_SECONDS_MAX
    until yield
      raise "#{what} did not come" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep 0.01
    end
  end

  def self.management(kind, path)
    uri = URI("#{ENV["MANAGEMENT_URL"]}/api/#{path}")
    request = kind.new(uri)
    request.basic_auth("guest", "guest")
    Net::HTTP.start(uri.host, uri.port) { |http| http.request(request) }
  end

  # Closes the connection that its client gave this name, as an operator does.
  def self.close_connection(name)
    self.until("connection #{name} in the list") do
      listed = JSON.parse(management(Net::HTTP::Get, "connections").body)
      found = listed.find { |each| each["user_provided_name"] == name }
      found && management(Net::HTTP::Delete, "connections/#{URI.encode_www_form_component(found["name"]).gsub("+", "%20")}")
    end
  end

  def self.scenario(name)
    yield
    puts "ok: #{name}"
  rescue StandardError => error
    @failed = true
    puts "FAILED: #{name}", error.full_message(highlight: false)
  ensure
    $stdout.flush
  end

  # With the threads that still wait for something.
  def self.finish
    exit!(@failed ? 1 : 0)
  end
end
