package io.varve.cli.stack;

import io.varve.archive.ArchiveSettings;
import io.varve.archive.store.WhenMissing;
import io.varve.embedded.stack.BrokerProcess;
import io.varve.embedded.stack.ChildProcess;
import io.varve.embedded.stack.StoreProcess;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.TopicSetup;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;

/**
 * Varve on one machine: broker, store and roles as children of this process, in one folder that keeps all of it for the
 * next time, ports included.
 *
 * <p>The broker and the store start at the same time, then topics, schemas and the bucket are made, then the roles
 * start at the same time. What ends by itself is started again.
 *
 * <p>Safe for any thread once started.
 */
public final class Stack implements AutoCloseable {

    private static final short REPLICAS = 1;

    private final StackConfig config;
    private final Preparation prepared;
    private final PrintStream messages;
    private final Member broker;
    private final Member store;
    private final Map<StackRole, Member> roles = Collections.synchronizedMap(new EnumMap<>(StackRole.class));

    private Stack(StackConfig config, Preparation prepared, PrintStream messages) {
        this.config = config;
        this.prepared = prepared;
        this.messages = messages;
        broker = member("broker", this::startBroker);
        store = member("store", this::startStore);
    }

    /**
     * Starts all of it and waits until it serves.
     *
     * @param messages where it's told what is started again
     * @throws IOException in one sentence, perhaps with the end of a log; nothing is left running then
     */
    public static Stack start(StackConfig config, PrintStream messages) throws IOException, InterruptedException {
        var stack = new Stack(config, Preparation.make(config), messages);
        try {
            stack.begin();
            return stack;
        } catch (IOException | InterruptedException | RuntimeException e) {
            stack.close();
            throw e;
        }
    }

    private void begin() throws IOException, InterruptedException {
        var bucket = CompletableFuture.runAsync(
                this::makeBucket, task -> Thread.ofVirtual().name("bucket").start(task));
        makeTopics();
        try {
            bucket.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        }
        for (var role : config.roles()) {
            if (role != StackRole.CAPTURE || !config.drives().isEmpty()) {
                roles.put(role, member(role.verb(), launch(role, List.of())));
            }
        }
        for (var member : List.copyOf(roles.values())) {
            member.awaitStarted();
        }
    }

    private void makeTopics() throws IOException, InterruptedException {
        // Made while the broker starts: this process has much to load for it.
        try (var admin = Admin.create(kafkaClient())) {
            broker.awaitStarted();
            TopicSetup.create(admin, config.partitions(), REPLICAS);
        }
        TopicSchemaIds.register(kafkaClient());
    }

    private void makeBucket() {
        try {
            store.awaitStarted();
            archive().open(WhenMissing.CREATE).close();
        } catch (IOException e) {
            throw new CompletionException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CompletionException(e);
        }
    }

    private Member member(String name, Launch launch) {
        return Member.start(name, launch, prepared.pids(), messages);
    }

    private ChildProcess startBroker() throws IOException, InterruptedException {
        return BrokerProcess.start(
                        folder().broker(), log("broker"), prepared.addresses().brokerPort())
                .process();
    }

    private ChildProcess startStore() throws IOException, InterruptedException {
        return StoreProcess.start(
                        folder().store(),
                        log("store"),
                        prepared.credentials(),
                        prepared.addresses().storePort())
                .process();
    }

    private Launch launch(StackRole role, List<String> options) {
        var config = List.of("--config", properties().toString());
        var arguments = Stream.of(config, argumentsOf(role), options, role == StackRole.CAPTURE ? drives() : nothing())
                .flatMap(List::stream)
                .toList();
        var launch = new RoleLaunch(role, arguments, log(role.verb()));
        return role == StackRole.CAPTURE ? () -> startAgent(launch) : launch;
    }

    /** A killed agent leaves its sockets; nobody else has any here, because of the folder's lock. */
    private ChildProcess startAgent(RoleLaunch launch) throws IOException, InterruptedException {
        Files.deleteIfExists(folder().nbdSocket());
        Files.deleteIfExists(folder().qmpSocket());
        return launch.start();
    }

    private List<String> argumentsOf(StackRole role) {
        return switch (role) {
            case STREAMS ->
                List.of("--state", folder().streams().toString(), "--commit-interval", "1s", "--silence", "20s");
            case SINK -> nothing();
            case CAPTURE ->
                List.of(
                        "--state",
                        folder().agent().resolve("state").toString(),
                        "--nbd",
                        prepared.addresses().nbdUnix(),
                        "--nbd",
                        prepared.addresses().nbdTcp(),
                        "--qmp",
                        prepared.addresses().agent());
        };
    }

    private List<String> drives() {
        return config.drives();
    }

    private static List<String> nothing() {
        return List.of();
    }

    private StackFolder folder() {
        return prepared.folder();
    }

    /**
     * Starts a role that wasn't among those of the configuration, and waits until it serves.
     *
     * @param options what follows the verb, beside what the stack gives it; they win over {@code varve.properties}
     * @throws IOException in one sentence; the role is not there then
     * @throws IllegalStateException when it was started already
     */
    public Member startRole(StackRole role, List<String> options) throws IOException, InterruptedException {
        if (roles.containsKey(role)) {
            throw new IllegalStateException("The role " + role.verb() + " runs already.");
        }
        var member = member(role.verb(), launch(role, options));
        roles.put(role, member);
        try {
            member.awaitStarted();
            return member;
        } catch (IOException | InterruptedException e) {
            roles.remove(role);
            member.close();
            throw e;
        }
    }

    /** What it was started with. */
    public StackConfig config() {
        return config;
    }

    /** The broker's process. */
    public Member broker() {
        return broker;
    }

    /** The S3 server's process. */
    public Member store() {
        return store;
    }

    /** A role's process, when that role was started. */
    public Optional<Member> role(StackRole role) {
        return Optional.ofNullable(roles.get(role));
    }

    /** The file by which the other verbs find all of this. */
    public Path properties() {
        return folder().properties();
    }

    /** What a member says: {@code broker}, {@code store}, or a role's verb. */
    public Path log(String member) {
        return folder().log(member);
    }

    /** Kafka's {@code bootstrap.servers}. */
    public String kafka() {
        return prepared.addresses().kafka();
    }

    /** The settings of a client of this broker. */
    public Map<String, Object> kafkaClient() {
        return Map.of("bootstrap.servers", kafka(), "reconnect.backoff.max.ms", 200);
    }

    /** The S3 server. */
    public URI s3Endpoint() {
        return URI.create(prepared.addresses().storeEndpoint());
    }

    /** The bucket and how it's reached. */
    public ArchiveSettings archive() throws IOException {
        var values = new Properties();
        values.putAll(prepared.addresses().toProperties());
        return ArchiveSettings.of(values, Map.of());
    }

    /** Where the agent takes QMP, as {@code --agent} has it. */
    public String agent() {
        return prepared.addresses().agent();
    }

    /** Where a drive is exported on this machine. */
    public NbdUri unixExport(String drive) {
        return new NbdUri(NbdAddress.parse(prepared.addresses().nbdUnix()), drive);
    }

    /** Where a drive is exported by TCP. */
    public NbdUri tcpExport(String drive) {
        return new NbdUri(NbdAddress.parse(prepared.addresses().nbdTcp()), drive);
    }

    /** Stops all: the agent first, which still has things to say, then the other roles, then the servers. */
    @Override
    public void close() {
        Optional.ofNullable(roles.get(StackRole.CAPTURE)).ifPresent(Member::close);
        closeTogether(List.copyOf(roles.values()));
        closeTogether(List.of(broker, store));
        try {
            prepared.lock().close();
        } catch (IOException e) {
            messages.println("varve up: the lock of " + folder().root() + " can't be let go: " + e.getMessage());
        }
    }

    private static void closeTogether(List<Member> members) {
        var closing = members.stream()
                .map(member ->
                        Thread.ofPlatform().name(member.name() + "-close").start(member::close))
                .toList();
        for (var thread : closing) {
            joinSurely(thread);
        }
    }

    private static void joinSurely(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
