package io.varve.archive.store;

import io.varve.archive.store.S3Bucket.Addressing;
import io.varve.archive.store.S3Bucket.Endpoint;
import io.varve.embedded.stack.StoreProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** A real S3 server, started once for all test classes that ask for it by a parameter. */
public final class S3Server implements AutoCloseable {
    private static final io.varve.embedded.stack.S3Credentials KEYS =
            new io.varve.embedded.stack.S3Credentials("varve", "a-secret-of-the-tests");

    private final StoreProcess process;
    private final AtomicInteger buckets = new AtomicInteger();

    private S3Server(StoreProcess process) {
        this.process = process;
    }

    private static S3Server start() {
        try {
            Path folder = Files.createTempDirectory("varve-s3-");
            return new S3Server(StoreProcess.start(folder.resolve("data"), folder.resolve("log"), KEYS));
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("the S3 server of the tests doesn't start", e);
        }
    }

    /** A bucket that nobody used; it's made by opening it. */
    public S3Bucket newBucket() {
        return bucket("test-" + buckets.incrementAndGet());
    }

    public S3Bucket bucket(String name) {
        return new S3Bucket(name, "archive/one", endpoint(), Optional.of(credentials()));
    }

    public Endpoint endpoint() {
        return new Endpoint(process.endpoint(), StoreProcess.REGION, Addressing.PATH);
    }

    public S3Credentials credentials() {
        return new S3Credentials(KEYS.accessKey(), KEYS.secretKey(), Optional.empty());
    }

    @Override
    public void close() {
        process.close();
    }

    /** Gives the server to a test's constructor or method. */
    public static final class Shared implements ParameterResolver {
        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == S3Server.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return context.getRoot()
                    .getStore(ExtensionContext.Namespace.create(S3Server.class))
                    .computeIfAbsent(S3Server.class, _ -> start(), S3Server.class);
        }
    }
}
