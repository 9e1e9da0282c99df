package io.varve.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.ArchiveSettings;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.ObjectSummary;
import io.varve.archive.store.WhenMissing;
import io.varve.core.Tool;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.embedded.stack.BrokerProcess;
import io.varve.embedded.stack.ChildProcess;
import io.varve.embedded.stack.JavaCommand;
import io.varve.embedded.stack.JvmOptions;
import io.varve.embedded.stack.S3Credentials;
import io.varve.embedded.stack.StoreProcess;
import io.varve.schemas.CatalogEntry;
import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.TopicSetup;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import java.io.IOException;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** A real broker and a real S3 server, with the topics and a bucket; sends tasks, and hears what becomes of them. */
final class SinkStack implements AutoCloseable {
    static final String BUCKET = "backups";

    /** Nothing here takes so long, on the busiest machine. */
    private static final int PATIENCE_POLLS = 600;

    private static final Duration POLL = Duration.ofMillis(200);
    private static final int PARTITIONS = 2;

    private final Path folder;
    private final S3Credentials keys = new S3Credentials("varve", "a-secret-of-the-tests");
    private final BrokerProcess broker;
    private final StoreProcess server;
    private final VarveSerdes serdes;
    private final KafkaProducer<String, Task> producer;
    private final KafkaConsumer<String, Outcome> consumer;
    private final List<Outcome> heard = new ArrayList<>();

    private SinkStack(Path folder, BrokerProcess broker, StoreProcess server) throws IOException {
        this.folder = folder;
        this.broker = broker;
        this.server = server;
        serdes = new VarveSerdes(TopicSchemaIds.register(client()));
        producer = new KafkaProducer<>(
                client(), new StringSerializer(), serdes.tasks().serializer());
        consumer =
                consumer(Topics.BACKUP_OUTCOMES, PARTITIONS, serdes.outcomes().deserializer());
    }

    static SinkStack start(Path folder) throws IOException, InterruptedException {
        S3Credentials keys = new S3Credentials("varve", "a-secret-of-the-tests");
        BrokerProcess broker = BrokerProcess.start(folder.resolve("broker"), folder.resolve("broker.log"));
        StoreProcess server = StoreProcess.start(folder.resolve("store"), folder.resolve("store.log"), keys);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            TopicSetup.create(admin, PARTITIONS, (short) 1);
        }
        SinkStack stack = new SinkStack(folder, broker, server);
        stack.archive().open(WhenMissing.CREATE).close();
        return stack;
    }

    private Map<String, Object> client() {
        return Map.of("bootstrap.servers", broker.bootstrapServers());
    }

    String bootstrapServers() {
        return broker.bootstrapServers();
    }

    BrokerProcess broker() {
        return broker;
    }

    StoreProcess server() {
        return server;
    }

    /** Sets how long a task is locked, for sinks that start after this. */
    void lockFor(Duration lock) throws Exception {
        ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, Topics.SINK_GROUP);
        ConfigEntry entry = new ConfigEntry("share.record.lock.duration.ms", Long.toString(lock.toMillis()));
        try (Admin admin = Admin.create(client())) {
            admin.incrementalAlterConfigs(Map.of(group, List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
        }
    }

    /** What a process is told to find the stack by. */
    Properties settings() {
        Properties values = new Properties();
        values.setProperty(ArchiveSettings.ARCHIVE, "s3://" + BUCKET + "/prefix");
        values.setProperty(ArchiveSettings.ENDPOINT, server.endpoint().toString());
        values.setProperty(ArchiveSettings.ACCESS_KEY, keys.accessKey());
        values.setProperty(ArchiveSettings.SECRET_KEY, keys.secretKey());
        return values;
    }

    ArchiveSettings archive() throws IOException {
        return ArchiveSettings.of(settings(), Map.of());
    }

    ObjectStore store() throws IOException {
        return archive().open(WhenMissing.REFUSE);
    }

    SinkConfig config() throws IOException {
        return SinkConfig.of(broker.bootstrapServers(), archive());
    }

    SinkRole sink(int workers) throws IOException {
        return SinkRole.start(config().withWorkers(workers), InstantSource.system(), new SecureRandom());
    }

    /** The role in a process of its own, which can be killed. */
    ChildProcess sinkProcess(int workers, List<String> jvmOptions) throws IOException, InterruptedException {
        Path values = folder.resolve("sink.properties");
        try (Writer writer = Files.newBufferedWriter(values)) {
            settings().store(writer, null);
        }
        List<String> options =
                Stream.concat(JvmOptions.COMMON.stream(), jvmOptions.stream()).toList();
        List<String> main =
                List.of(SinkTestMain.class.getName(), bootstrapServers(), values.toString(), Integer.toString(workers));
        ChildProcess child = ChildProcess.start(
                new JavaCommand("sink", options, JavaCommand.ownClassPath(), main, Map.of()),
                folder.resolve("sink.log"));
        child.awaitReady(Duration.ofSeconds(60));
        return child;
    }

    void send(Task task) {
        var _ = producer.send(
                new ProducerRecord<>(Topics.BACKUP_TASKS, task.unit().toString(), task));
        producer.flush();
    }

    /** Puts something into the queue that is no task. */
    void sendGarbage() {
        try (KafkaProducer<String, byte[]> raw =
                new KafkaProducer<>(client(), new StringSerializer(), new ByteArraySerializer())) {
            var _ = raw.send(new ProducerRecord<>(Topics.BACKUP_TASKS, "garbage", new byte[] {1, 2, 3}));
        }
    }

    /** Sends a copy task and waits for the manifest. */
    Outcome.Copied copy(Task.Copy task) {
        send(task);
        return await(outcome ->
                outcome instanceof Outcome.Copied copied && copied.unit().equals(task.unit())
                        ? Optional.of(copied)
                        : failure(task, outcome));
    }

    /** Waits for the manifest, whatever attempts fail meanwhile. */
    Outcome.Copied awaitCopied(Task.Copy task) {
        return await(outcome -> outcome instanceof Outcome.Copied copied
                        && copied.unit().equals(task.unit())
                        && copied.drive().equals(task.part().drive())
                ? Optional.of(copied)
                : Optional.empty());
    }

    /** Waits until there are so many objects below a prefix, or more. */
    void awaitKeys(String prefix, int count) throws IOException {
        try (ObjectStore store = store()) {
            for (int poll = 0; poll < PATIENCE_POLLS; poll++) {
                if (store.list(prefix, Optional.empty()).objects().size() >= count) {
                    return;
                }
                consumer.poll(POLL).forEach(record -> heard.add(record.value()));
            }
            throw new AssertionError("not " + count + " objects below " + prefix + " in time");
        }
    }

    private static Optional<Outcome.Copied> failure(Task.Copy task, Outcome outcome) {
        if (outcome instanceof Outcome.CopyFailed failed && failed.unit().equals(task.unit())) {
            throw new AssertionError("not copied: " + failed);
        }
        return Optional.empty();
    }

    /** Waits until the copy has failed. */
    Outcome.CopyFailed awaitFailure(Task.Copy task) {
        return await(outcome ->
                outcome instanceof Outcome.CopyFailed failed && failed.unit().equals(task.unit())
                        ? Optional.of(failed)
                        : Optional.empty());
    }

    Outcome.Decided decide(Task.Decide task) {
        send(task);
        return awaitDecided(task);
    }

    Outcome.Decided awaitDecided(Task task) {
        return await(outcome ->
                outcome instanceof Outcome.Decided decided && decided.unit().equals(task.unit())
                        ? Optional.of(decided)
                        : Optional.empty());
    }

    /** Waits until a copy has said so often how far it is. */
    void awaitProgress(Task.Copy task, long times) {
        await(outcome -> heard.stream()
                                .filter(one -> one instanceof Outcome.Progress progress
                                        && progress.unit().equals(task.unit()))
                                .count()
                        >= times
                ? Optional.of(outcome)
                : Optional.empty());
    }

    /** All that was heard so far. */
    List<Outcome> heard() {
        return List.copyOf(heard);
    }

    /** Waits for the first outcome that gives a result, and looks at those heard before, too. */
    <T> T await(Function<Outcome, Optional<T>> wanted) {
        int looked = 0;
        for (int poll = 0; poll < PATIENCE_POLLS; poll++) {
            for (; looked < heard.size(); looked++) {
                Optional<T> result = wanted.apply(heard.get(looked));
                if (result.isPresent()) {
                    return result.get();
                }
            }
            consumer.poll(POLL).forEach(record -> heard.add(record.value()));
        }
        throw new AssertionError("not heard in time; heard was " + heard);
    }

    /** All records of the catalog. */
    List<CatalogEntry> catalog() {
        try (KafkaConsumer<String, CatalogEntry> reader =
                consumer(Topics.CATALOG, 1, serdes.catalogEntries().deserializer())) {
            TopicPartition partition = new TopicPartition(Topics.CATALOG, 0);
            long end = reader.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
            List<CatalogEntry> entries = new ArrayList<>();
            while (reader.position(partition) < end) {
                reader.poll(POLL).forEach(record -> entries.add(record.value()));
            }
            return entries;
        }
    }

    private <V> KafkaConsumer<String, V> consumer(String topic, int partitions, Deserializer<V> values) {
        KafkaConsumer<String, V> reader = new KafkaConsumer<>(client(), new StringDeserializer(), values);
        List<TopicPartition> all = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            all.add(new TopicPartition(topic, partition));
        }
        reader.assign(all);
        reader.seekToBeginning(all);
        return reader;
    }

    /** The keys below a prefix. */
    List<String> keys(String prefix) throws IOException {
        try (ObjectStore store = store()) {
            return store.list(prefix, Optional.empty()).objects().stream()
                    .map(summary -> summary.key().value())
                    .toList();
        }
    }

    /** Fails if uploads of a drive have left parts; S3Proxy keeps those in files of this name. */
    void assertNoUploads(String drive) throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("store"))) {
            List<Path> left = files.filter(file -> file.toString().contains("/.mpus-"))
                    .filter(file -> file.toString().contains("/" + drive + "/"))
                    .toList();
            assertTrue(left.isEmpty(), left::toString);
        }
    }

    /** Downloads all images of a chain under their own names. */
    void download(String prefix, Path into) throws IOException {
        try (ObjectStore store = store()) {
            for (ObjectSummary summary : store.list(prefix, Optional.empty()).objects()) {
                ObjectKey key = summary.key();
                if (key.value().endsWith(".qcow2")) {
                    download(
                            store,
                            summary,
                            into.resolve(key.value().substring(key.value().lastIndexOf('/') + 1)));
                }
            }
        }
    }

    /** Fails unless the only image below a prefix shows what the raw file does. */
    void assertImage(String prefix, Path raw) throws IOException, InterruptedException {
        Path images = Files.createDirectory(folder.resolve("images-" + prefix.replace('/', '-')));
        download(prefix, images);
        try (Stream<Path> files = Files.list(images)) {
            List<Path> found = files.toList();
            assertEquals(1, found.size());
            assertSame(found.getFirst(), raw);
        }
    }

    /**
     * Fails unless qemu-img finds an image in order, and showing, through its backing files, what the raw file does.
     */
    static void assertSame(Path image, Path raw) throws IOException, InterruptedException {
        Tool.run("qemu-img", "check", "-f", "qcow2", image.toString()).success();
        assertEquals(
                "Images are identical.",
                Tool.run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", image.toString(), raw.toString())
                        .success()
                        .strip());
    }

    private static void download(ObjectStore store, ObjectSummary summary, Path file) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(8 << 20);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (long offset = 0; offset < summary.lengthBytes(); offset += chunk.limit()) {
                chunk.clear().limit((int) Math.min(chunk.capacity(), summary.lengthBytes() - offset));
                store.read(summary.key(), offset, chunk);
                chunk.flip();
                channel.write(chunk);
                chunk.flip();
            }
        }
    }

    @Override
    public void close() {
        producer.close();
        consumer.close();
        server.close();
        broker.close();
    }
}
