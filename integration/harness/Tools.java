import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

import org.apache.kafka.common.utils.Exit;

/**
 * Tools runs tools of Kafka's distribution one after another in one JVM: starting one takes longer than what they do. It
 * prints its port. Who connects sends the words of a command, the class first, each ended by a zero byte and all by an
 * empty word; the answer is the exit code on a line, and what the tool printed.
 */
public final class Tools {
    /** The end of the tool that runs. */
    private static CompletableFuture<Integer> end;

    public static void main(String[] args) throws IOException {
        Exit.setExitProcedure((code, message) -> {
            end.complete(code);
            while (true) { // a tool that went on would tell of an exception, or of another exit
                LockSupport.park();
            }
        });
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            System.out.println(server.getLocalPort());
            while (true) {
                try (Socket client = server.accept()) {
                    serve(client);
                }
            }
        }
    }

    private static void serve(Socket client) throws IOException {
        List<String> words = words(new BufferedInputStream(client.getInputStream()));
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = System.out;
        PrintStream err = System.err;
        PrintStream both = new PrintStream(printed, true, StandardCharsets.UTF_8);
        System.setOut(both);
        System.setErr(both);
        int code;
        try {
            code = run(words);
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
        OutputStream answer = client.getOutputStream();
        answer.write((code + "\n").getBytes(StandardCharsets.UTF_8));
        printed.writeTo(answer);
    }

    private static int run(List<String> words) {
        String[] args = words.subList(1, words.size()).toArray(new String[0]);
        end = new CompletableFuture<>();
        Thread tool = new Thread(() -> {
            try {
                Class.forName(words.get(0)).getMethod("main", String[].class).invoke(null, (Object) args);
                end.complete(0);
            } catch (ReflectiveOperationException e) {
                e.printStackTrace();
                end.complete(1);
            }
        });
        tool.setDaemon(true);
        tool.start();
        return end.join();
    }

    private static List<String> words(InputStream in) throws IOException {
        List<String> words = new ArrayList<>();
        ByteArrayOutputStream word = new ByteArrayOutputStream();
        for (int b = in.read(); b >= 0; b = in.read()) {
            if (b != 0) {
                word.write(b);
                continue;
            }
            if (word.size() == 0) {
                break;
            }
            words.add(word.toString(StandardCharsets.UTF_8));
            word.reset();
        }
        return words;
    }
}
