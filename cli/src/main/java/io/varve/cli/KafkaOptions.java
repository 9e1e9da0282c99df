package io.varve.cli;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where Kafka is: {@code --kafka}, and Kafka's own client settings from the configuration file. */
final class KafkaOptions {

    private static final String CONFIG_PREFIX = "kafka.";

    /** Long enough for a broker under load, short enough for a user who mistyped its address. */
    private static final int PATIENCE_MILLIS = 8_000;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec verb;

    @Option(
            names = "--kafka",
            paramLabel = "BOOTSTRAP",
            description = "Kafka's address, HOST:PORT[,HOST:PORT]…; settings of its clients stand in the configuration"
                    + " file, each under kafka.NAME.")
    private String bootstrap = "";

    /** Whether a Kafka is named. */
    boolean isNamed() {
        return !bootstrap.isBlank();
    }

    /** What stands in {@code --kafka}. */
    String bootstrapServers() {
        if (!isNamed()) {
            throw new ParameterException(
                    verb.commandLine(), "No Kafka is named; say --kafka HOST:PORT, or start one with 'varve up'.");
        }
        return bootstrap.strip();
    }

    /** The further settings of Kafka's clients. */
    Map<String, String> settings() {
        return ConfigFile.of(verb).under(CONFIG_PREFIX);
    }

    /** All settings of a client. */
    Map<String, Object> client() {
        var client = new HashMap<String, Object>(settings());
        client.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers());
        return client;
    }

    /**
     * Looks whether Kafka answers at the address, so that nobody waits for the patience of its clients. A child doesn't
     * look: its parent knows.
     *
     * @throws VerbFailedException when it doesn't
     */
    void checkAnswers() throws VerbFailedException, InterruptedException {
        if (RoleOptions.isChild(verb)) {
            return;
        }
        var client = client();
        client.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, PATIENCE_MILLIS);
        client.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, PATIENCE_MILLIS);
        try (var admin = Admin.create(client)) {
            admin.describeCluster().clusterId().get();
        } catch (ExecutionException | KafkaException e) {
            throw new VerbFailedException(sentence(e.getCause() == null ? e : e.getCause()), e);
        }
    }

    private String sentence(Throwable reason) {
        return reason instanceof TimeoutException
                ? "No Kafka answers at " + bootstrapServers() + " within " + PATIENCE_MILLIS / 1000
                        + " s; start one with 'varve up', or name another address with --kafka."
                : "Kafka at " + bootstrapServers() + " can't be used: " + reason.getMessage();
    }
}
