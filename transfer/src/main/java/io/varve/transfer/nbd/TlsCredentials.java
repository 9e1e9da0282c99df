package io.varve.transfer.nbd;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A certificate and whom its holder trusts, from a folder laid out as QEMU's {@code tls-creds-x509} has it:
 * {@code ca-cert.pem}, and {@code server-cert.pem} with {@code server-key.pem}, or the same of a client.
 */
public final class TlsCredentials {
    private static final String CA_CERT = "ca-cert.pem";
    private static final String CA_CRL = "ca-crl.pem";
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN ((?:RSA )?)PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END ");
    private static final List<String> KEY_ALGORITHMS = List.of("RSA", "EC", "EdDSA");
    // SEQUENCE { rsaEncryption, NULL }: the algorithm in a PKCS #8 key (RFC 8017, appendix A.1; RFC 5958).
    private static final byte[] RSA = {0x30, 13, 6, 9, 42, (byte) 0x86, 72, (byte) 0x86, (byte) 0xf7, 13, 1, 1, 1, 5, 0
    };
    private static final char[] NO_PASSWORD = new char[0];

    private TlsCredentials() {}

    /**
     * Reads a server's folder.
     *
     * @throws IOException in one sentence: which file is missing or malformed, and what's expected
     */
    public static SSLContext server(Path folder) throws IOException {
        return read(folder, "server");
    }

    /** As {@link #server}, for a client. */
    public static SSLContext client(Path folder) throws IOException {
        return read(folder, "client");
    }

    private static SSLContext read(Path folder, String side) throws IOException {
        if (Files.exists(folder.resolve(CA_CRL))) {
            // Not to read it would be to admit those whom it names.
            throw new IOException("'" + folder.resolve(CA_CRL) + "' revokes certificates, which isn't supported;"
                    + " make a new certificate authority instead");
        }
        List<Certificate> authorities = certificates(folder.resolve(CA_CERT));
        List<Certificate> chain = certificates(folder.resolve(side + "-cert.pem"));
        PrivateKey key = key(folder.resolve(side + "-key.pem"));
        try {
            return context(authorities, chain, key);
        } catch (GeneralSecurityException e) {
            throw new IOException("the certificates in '" + folder + "' don't fit together: " + e.getMessage(), e);
        }
    }

    private static SSLContext context(List<Certificate> authorities, List<Certificate> chain, PrivateKey key)
            throws GeneralSecurityException, IOException {
        KeyStore identity = emptyStore();
        identity.setKeyEntry("own", key, NO_PASSWORD, chain.toArray(Certificate[]::new));
        KeyStore trusted = emptyStore();
        for (int i = 0; i < authorities.size(); i++) {
            trusted.setCertificateEntry("ca-" + i, authorities.get(i));
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(identity, NO_PASSWORD);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, NO_PASSWORD);
        return store;
    }

    private static List<Certificate> certificates(Path file) throws IOException {
        byte[] pem = content(file);
        try {
            List<Certificate> found = List.copyOf(
                    CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem)));
            if (!found.isEmpty()) {
                return found;
            }
        } catch (GeneralSecurityException e) {
            throw new IOException("'" + file + "' holds no certificate that can be read: " + e.getMessage(), e);
        }
        throw new IOException("'" + file + "' holds no certificate; expected one in PEM");
    }

    private static PrivateKey key(Path file) throws IOException {
        Matcher pem = KEY.matcher(new String(content(file), StandardCharsets.ISO_8859_1));
        if (!pem.find()) {
            throw new IOException("'" + file + "' holds no private key that can be read; expected one in PEM, not"
                    + " encrypted: openssl pkcs8 -topk8 -nocrypt makes it");
        }
        byte[] bytes = Base64.getMimeDecoder().decode(pem.group(2));
        PKCS8EncodedKeySpec wrapped = new PKCS8EncodedKeySpec(pem.group(1).isEmpty() ? bytes : rsaInPkcs8(bytes));
        List<String> attempts = new ArrayList<>();
        for (String algorithm : KEY_ALGORITHMS) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(wrapped);
            } catch (InvalidKeySpecException e) {
                attempts.add(algorithm + ": " + e.getMessage());
            } catch (GeneralSecurityException e) {
                throw new IOException("this JVM has no " + algorithm + " keys", e);
            }
        }
        throw new IOException(
                "'" + file + "' holds a private key that can't be read as " + String.join(", as ", attempts));
    }

    private static byte[] rsaInPkcs8(byte[] pkcs1) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        content.writeBytes(new byte[] {2, 1, 0});
        content.writeBytes(RSA);
        content.writeBytes(der(4, pkcs1));
        return der(0x30, content.toByteArray());
    }

    /** A DER value whose length is told in two bytes, which suits any key. */
    private static byte[] der(int tag, byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {(byte) tag, (byte) 0x82, (byte) (content.length >> 8), (byte) content.length});
        out.writeBytes(content);
        return out.toByteArray();
    }

    private static byte[] content(Path file) throws IOException {
        try {
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new IOException(
                    "'" + file + "' is missing; a folder of TLS certificates has " + CA_CERT
                            + ", and server-cert.pem with server-key.pem, or client-cert.pem with client-key.pem",
                    e);
        }
    }
}
