import java.util.Collections;
import java.util.ArrayList;
import java.util.List;
import org.springframework.amqp.AmqpRejectAndDontRequeueException;
import org.springframework.amqp.rabbit.annotation.EnableRabbit;
import org.springframework.amqp.rabbit.annotation.Exchange;
import org.springframework.amqp.rabbit.annotation.Queue;
import org.springframework.amqp.rabbit.annotation.QueueBinding;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.config.RetryInterceptorBuilder;
import org.springframework.amqp.rabbit.config.SimpleRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.rabbit.retry.RepublishMessageRecoverer;
import org.springframework.amqp.support.AmqpHeaders;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.messaging.handler.annotation.SendTo;

/** The annotated part of the application: listeners, with the queues and bindings that they name. */
@Configuration
@EnableRabbit
class Listeners {
    static final List<String> heard = Collections.synchronizedList(new ArrayList<>());
    static final List<Integer> batches = Collections.synchronizedList(new ArrayList<>());
    static final List<String> batched = Collections.synchronizedList(new ArrayList<>());

    @Bean
    CachingConnectionFactory connections() throws Exception {
        return Main.connections("listeners");
    }

    @Bean
    RabbitAdmin admin(CachingConnectionFactory connections) {
        return new RabbitAdmin(connections);
    }

    @Bean
    RabbitTemplate template(CachingConnectionFactory connections) {
        return new RabbitTemplate(connections);
    }

    private static SimpleRabbitListenerContainerFactory containers(CachingConnectionFactory connections) {
        var factory = new SimpleRabbitListenerContainerFactory();
        factory.setConnectionFactory(connections);
        factory.setRecoveryInterval(50L);
        return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory rabbitListenerContainerFactory(CachingConnectionFactory connections) {
        return containers(connections);
    }

    @Bean
    SimpleRabbitListenerContainerFactory retrying(CachingConnectionFactory connections, RabbitTemplate template) {
        var factory = containers(connections);
        factory.setContainerCustomizer(container -> container.setAdviceChain(RetryInterceptorBuilder.stateless()
            .maxRetries(2).backOffOptions(10, 2, 100).recoverer(new RepublishMessageRecoverer(template, "", "given-up")).build()));
        return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory batching(CachingConnectionFactory connections) {
        var factory = containers(connections);
        factory.setBatchListener(true);
        factory.setConsumerBatchEnabled(true);
        factory.setBatchSize(10);
        factory.setPrefetchCount(20);
        return factory;
    }

    @RabbitListener(bindings = @QueueBinding(value = @Queue(name = "news", durable = "true"), exchange = @Exchange(name = "papers", type = "topic"), key = "news.#"))
    void news(String body, @Header(AmqpHeaders.RECEIVED_ROUTING_KEY) String key, @Header(name = "weather", required = false) Integer weather) {
        heard.add(key + "=" + body + (weather == null ? "" : ":" + weather));
    }

    @RabbitListener(queuesToDeclare = @Queue(name = "upper"))
    String upper(String body) {
        return body.toUpperCase();
    }

    @RabbitListener(queuesToDeclare = @Queue(name = "forwarded"))
    @SendTo("answers")
    String forwarded(String body) {
        return body + "!";
    }

    @RabbitListener(queuesToDeclare = @Queue(name = "failing"), containerFactory = "retrying")
    void failing(String body) {
        heard.add("try " + body);
        throw new IllegalStateException("not this one");
    }

    @RabbitListener(queuesToDeclare = @Queue(name = "refusing", arguments = {
        @org.springframework.amqp.rabbit.annotation.Argument(name = "x-dead-letter-exchange", value = ""),
        @org.springframework.amqp.rabbit.annotation.Argument(name = "x-dead-letter-routing-key", value = "refused")}))
    void refusing(String body) {
        throw new AmqpRejectAndDontRequeueException("never");
    }

    @RabbitListener(queuesToDeclare = @Queue(name = "in-batches"), containerFactory = "batching")
    void batch(List<String> bodies) {
        batches.add(bodies.size());
        batched.addAll(bodies);
    }
}
