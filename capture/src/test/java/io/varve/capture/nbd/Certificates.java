package io.varve.capture.nbd;

import io.varve.core.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A certificate authority in a folder, with a server's and a client's certificate, made by openssl. */
public final class Certificates {
    private static final List<String> EC = List.of("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256");
    private static final List<String> RSA = List.of("-newkey", "rsa:2048");

    final Path folder;

    /** Makes them in {@code folder}. */
    public Certificates(Path folder) throws IOException, InterruptedException {
        this.folder = Files.createDirectories(folder);
        Files.writeString(folder.resolve("openssl.conf"), "[req]\ndistinguished_name=dn\n[dn]\n");
        make("ca", EC, List.of("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"), List.of());
        make(
                "server",
                EC,
                List.of("basicConstraints=CA:FALSE", "subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth"),
                signed());
        make("client", EC, List.of("basicConstraints=CA:FALSE", "extendedKeyUsage=clientAuth"), signed());
    }

    /** Gives the server an RSA key, as certtool writes it (PKCS #1). */
    void useTraditionalRsaKey() throws IOException, InterruptedException {
        make("server", RSA, List.of("basicConstraints=CA:FALSE", "subjectAltName=IP:127.0.0.1"), signed());
        String key = folder.resolve("server-key.pem").toString();
        Tool.run("openssl", "rsa", "-traditional", "-in", key, "-out", key).success();
    }

    public Path folder() {
        return folder;
    }

    private List<String> signed() {
        return List.of("-CA", file("ca-cert.pem"), "-CAkey", file("ca-key.pem"));
    }

    private void make(String name, List<String> key, List<String> extensions, List<String> signing)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("openssl", "req", "-x509", "-nodes", "-days", "2"));
        command.addAll(List.of("-config", file("openssl.conf"), "-subj", "/CN=varve test " + name));
        command.addAll(key);
        command.addAll(List.of("-keyout", file(name + "-key.pem"), "-out", file(name + "-cert.pem")));
        extensions.forEach(extension -> command.addAll(List.of("-addext", extension)));
        command.addAll(signing);
        Tool.run(command.toArray(String[]::new)).success();
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }
}
