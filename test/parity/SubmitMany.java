import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.spark.deploy.SparkSubmit;

/**
 * Spark's own submission, many times in one JVM: starting one for each would cost seconds a case.
 *
 * <p>Each line of standard input is one submission: its arguments as Base64 with a dot before each, separated by blanks.
 * Each is answered by one line on standard output: "ok", or "refused" and the causes as Base64. What Spark logs goes to
 * standard error.
 */
public final class SubmitMany {
  public static void main(String[] unused) throws Exception {
    PrintStream answers = System.out;
    System.setOut(System.err);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      List<String> arguments = new ArrayList<>();
      for (String word : line.trim().split(" ")) {
        arguments.add(new String(Base64.getDecoder().decode(word.substring(1)), StandardCharsets.UTF_8));
      }
      // Each submission puts a class loader of its own in place.
      Thread.currentThread().setContextClassLoader(loader);
      String answer;
      try {
        new SparkSubmit().doSubmit(arguments.toArray(new String[0]));
        answer = "ok";
      } catch (Throwable thrown) {
        StringBuilder causes = new StringBuilder();
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
          causes.append(causes.length() == 0 ? "" : ": ").append(cause);
        }
        answer = "refused " + Base64.getEncoder().encodeToString(causes.toString().getBytes(StandardCharsets.UTF_8));
      }
      answers.println(answer);
      answers.flush();
    }
  }
}
