package io.varve.embedded.store;

import io.varve.embedded.child.ParentWatch;
import io.varve.embedded.child.ReadyLine;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.gaul.s3proxy.AccessGrant;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;

/**
 * An S3 server in this process, over a folder: a bucket is a folder in it, an object a file.
 *
 * <p>Arguments: the data folder, made when it is new, and the port on the loopback interface, 0 for any. The
 * environment holds the only key pair that it accepts, under S3's usual names. The process ends when its standard input
 * ends.
 */
public final class StoreMain {

    private static final String HOST = "127.0.0.1";

    private StoreMain() {}

    /** Starts the server, says so with a {@link ReadyLine}, and serves until the parent is gone. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            System.err.println("usage: StoreMain DATA PORT, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set");
            System.exit(2);
        }
        var data = Files.createDirectories(Path.of(arguments[0]).toAbsolutePath());
        var identity = required("AWS_ACCESS_KEY_ID");
        var credential = required("AWS_SECRET_ACCESS_KEY");
        var store = new FilesystemNio2BlobStore(data.toString());
        var server = S3Proxy.builder()
                .blobStore(store)
                .endpoint(URI.create("http://" + HOST + ":" + Integer.parseInt(arguments[1])))
                .awsAuthentication(AuthenticationType.AWS_V4, identity, credential)
                .build();
        server.setBlobStoreLocator(
                (caller, bucket, object) -> identity.equals(caller) ? new AccessGrant(credential, store) : null);
        ParentWatch.start(System.in, () -> System.exit(0));
        server.start();
        new ReadyLine(HOST + ":" + server.getPort()).print(System.out);
    }

    private static String required(String variable) {
        var value = System.getenv(variable);
        if (value == null || value.isBlank()) {
            System.err.println("StoreMain: the environment variable " + variable + " is missing.");
            System.exit(2);
        }
        return value;
    }
}
