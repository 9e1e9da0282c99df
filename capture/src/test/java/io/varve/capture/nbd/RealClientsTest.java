package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.core.Tool;
import io.varve.formats.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server as the tools of others see it: nbdinfo, nbdcopy, qemu-img and qemu-io. */
class RealClientsTest {
    private static final int MIB = 1 << 20;
    private static final long SIZE_BYTES = 24L * MIB;

    @TempDir
    private Path folder;

    private ServedImage served;

    @BeforeEach
    void serve() throws IOException {
        served = new ServedImage(folder, SIZE_BYTES);
    }

    @AfterEach
    void stop() throws IOException {
        served.close();
    }

    @Test
    void shouldTellItsExportToNbdinfo() throws Exception {
        for (NbdUri uri : List.of(served.unix, served.tcp)) {
            String told = Tool.run("nbdinfo", uri.toString()).success();

            assertTrue(told.contains("export-size: " + SIZE_BYTES), told);
            assertTrue(told.contains("newstyle-fixed without TLS, using structured packets"), told);
            assertTrue(told.contains("base:allocation"), told);
            assertTrue(told.contains("can_fua: true") && told.contains("can_multi_conn: true"), told);
        }
    }

    @Test
    void shouldListItsExports() throws Exception {
        served.exports.add("second", new BackendExport(served.backend(), BackendAccess.READ_ONLY, Runnable::run));

        String listed = Tool.run("nbdinfo", "--list", served.tcp.toString()).success();
        String listedByQemu = Tool.run("qemu-nbd", "--list", "-k", socket()).success();

        assertTrue(listed.contains("export=\"drive0\"") && listed.contains("export=\"second\""), listed);
        assertTrue(listed.contains("is_read_only: true"), listed);
        assertTrue(listedByQemu.contains("exports available: 2"), listedByQemu);
        assertTrue(listedByQemu.contains("base:allocation"), listedByQemu);
    }

    @Test
    void shouldSayThatAnExportIsUnknown() throws Exception {
        String unknown = new NbdUri(served.unix.address(), "nothing").toString();

        Tool.Result result = Tool.run("nbdinfo", unknown);
        Tool.Result resultOfQemu = Tool.run("qemu-img", "info", unknown);

        assertNotEquals(0, result.exitCode());
        assertNotEquals(0, resultOfQemu.exitCode());
        assertTrue(resultOfQemu.output().contains("export 'nothing' not present"), resultOfQemu.output());
    }

    @Test
    void shouldCopyInAndOutByNbdcopy() throws Exception {
        Path source = randomFile("source.raw", 3);
        Path copy = folder.resolve("copy.raw");

        Tool.run("nbdcopy", "--flush", source.toString(), served.tcp.toString()).success();
        Tool.run("nbdcopy", served.unix.toString(), copy.toString()).success();

        assertEquals(-1, Files.mismatch(source, copy));
        assertEquals(-1, Files.mismatch(source, served.image));
    }

    @Test
    void shouldConvertAndCompareByQemuImg() throws Exception {
        Path source = randomFile("source.raw", 5);

        for (NbdUri uri : List.of(served.unix, served.tcp)) {
            Tool.run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", source.toString(), uri.toString())
                    .success();
            String compared = Tool.run(
                            "qemu-img", "compare", "-f", "raw", "-F", "raw", source.toString(), uri.toString())
                    .success();
            assertTrue(compared.contains("Images are identical"), compared);
        }

        String info =
                Tool.run("qemu-img", "info", "-f", "raw", served.tcp.toString()).success();
        assertTrue(info.contains("virtual size: 24 MiB"), info);
    }

    @Test
    void shouldWriteAndVerifyByQemuIo() throws Exception {
        for (NbdUri uri : List.of(served.unix, served.tcp)) {
            String said = Tool.run(
                            "qemu-io",
                            "-f",
                            "raw",
                            uri.toString(),
                            "-c",
                            "write -P 0x5a 64k 3M",
                            "-c",
                            "write -f -P 0x5b 1M 64k",
                            "-c",
                            "write -z 2M 128k",
                            "-c",
                            "write -z -u 2560k 64k",
                            "-c",
                            "discard 3M 64k",
                            "-c",
                            "flush",
                            "-c",
                            "read -P 0x5a 64k 960k",
                            "-c",
                            "read -P 0x5b 1M 64k",
                            "-c",
                            "read -P 0 2M 128k",
                            "-c",
                            "read -P 0 2560k 64k",
                            "-c",
                            "aio_write -P 0x11 8M 64k",
                            "-c",
                            "aio_write -P 0x12 9M 64k",
                            "-c",
                            "aio_flush",
                            "-c",
                            "read -P 0x12 9M 64k")
                    .success();

            assertTrue(!said.contains("failed"), said);
        }
    }

    @Test
    void shouldMapAllocationForQemuAndLibnbd() throws Exception {
        Tool.run("qemu-io", "-f", "raw", served.unix.toString(), "-c", "write -P 1 4M 2M", "-c", "flush")
                .success();

        String map = Tool.run("qemu-img", "map", "--output=json", "-f", "raw", served.tcp.toString())
                .success()
                .replaceAll("\\s", "");
        String mapOfLibnbd =
                Tool.run("nbdinfo", "--map", served.unix.toString()).success();

        assertTrue(
                map.contains("\"start\":0,\"length\":4194304") && map.contains("\"start\":4194304,\"length\":2097152"),
                map);
        assertTrue(map.contains("\"zero\":true,\"data\":false") && map.contains("\"zero\":false,\"data\":true"), map);
        assertTrue(mapOfLibnbd.contains("hole,zero") && mapOfLibnbd.contains("2097152"), mapOfLibnbd);
    }

    @Test
    void shouldRefuseWritesToAReadOnlyExport() throws Exception {
        served.exports.add("fixed", new BackendExport(served.backend(), BackendAccess.READ_ONLY, Runnable::run));
        String fixed = new NbdUri(served.unix.address(), "fixed").toString();

        Tool.Result written = Tool.run("qemu-io", "-f", "raw", fixed, "-c", "write 0 4k");

        assertNotEquals(0, written.exitCode());
        assertTrue(written.output().contains("Permission denied"), written.output());
        Tool.run("qemu-io", "-r", "-f", "raw", fixed, "-c", "read -P 0 0 4k").success();
    }

    private String socket() {
        return folder.resolve("nbd.sock").toString();
    }

    private Path randomFile(String name, long seed) throws IOException {
        byte[] content = new byte[(int) SIZE_BYTES];
        byte[] part = new byte[5 * MIB];
        new SplittableRandom(seed).nextBytes(part);
        System.arraycopy(part, 0, content, MIB, part.length);
        System.arraycopy(part, 0, content, 16 * MIB + 4096, part.length);
        return Files.write(folder.resolve(name), content);
    }
}
