import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.StringReader;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Properties;
import org.apache.spark.SecurityManager;
import org.apache.spark.SecurityManager$;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.k8s.KubernetesConf$;
import org.apache.spark.deploy.k8s.KubernetesExecutorConf;
import org.apache.spark.deploy.k8s.KubernetesExecutorSpec;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfile$;
import org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBuilder;
import scala.Option;

/**
 * The executor pods that a driver of this Spark would ask for, many in one JVM and without a driver.
 *
 * <p>Each line of standard input is one driver: its spark.properties and the path of its executor pod template, as Base64 with a
 * dot before each. Each is answered by one line: "ok" and the pod of executor 1 as Base64 of its JSON, or "refused" and the causes.
 */
public final class ExecutorPods {
  public static void main(String[] unused) throws Exception {
    PrintStream answers = System.out;
    System.setOut(System.err);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (KubernetesClient client = new KubernetesClientBuilder().build()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.trim().split(" ");
        String answer;
        try {
          answer = "ok " + encoded(Serialization.asJson(executor(client, decoded(words[0]), decoded(words[1]))));
        } catch (Throwable thrown) {
          StringBuilder causes = new StringBuilder();
          for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            causes.append(causes.length() == 0 ? "" : ": ").append(cause);
          }
          answer = "refused " + encoded(causes.toString());
        }
        answers.println(answer);
        answers.flush();
      }
    }
  }

  private static Pod executor(KubernetesClient client, String text, String template) throws Exception {
    Properties properties = new Properties();
    properties.load(new StringReader(text));
    SparkConf conf = new SparkConf(false);
    for (String key : properties.stringPropertyNames()) {
      conf.set(key, properties.getProperty(key).trim());
    }
    conf.set("spark.kubernetes.executor.podTemplateFile", template);
    Pod driver = new PodBuilder().withNewMetadata().withName("driver").withUid("uid-of-the-driver").endMetadata().build();
    ResourceProfile$.MODULE$.clearDefaultProfile();
    ResourceProfile profile = ResourceProfile$.MODULE$.getOrCreateDefaultProfile(conf);
    KubernetesExecutorConf executor =
        KubernetesConf$.MODULE$.createExecutorConf(conf, "1", conf.get("spark.app.id"), Option.apply(driver), profile.id());
    KubernetesExecutorSpec spec =
        new KubernetesExecutorBuilder().buildFromFeatures(executor, securityManager(conf), client, profile);
    // As the driver's allocator does it.
    return new PodBuilder(spec.pod().pod()).editOrNewSpec().addToContainers(spec.pod().container()).endSpec().build();
  }

  /** Scala's default arguments, however many this Spark's constructor has. */
  private static SecurityManager securityManager(SparkConf conf) throws Exception {
    Constructor<?> constructor = SecurityManager.class.getConstructors()[0];
    Object[] arguments = new Object[constructor.getParameterCount()];
    arguments[0] = conf;
    for (int i = 1; i < arguments.length; i++) {
      arguments[i] = SecurityManager$.class.getMethod("$lessinit$greater$default$" + (i + 1)).invoke(SecurityManager$.MODULE$);
    }
    return (SecurityManager) constructor.newInstance(arguments);
  }

  private static String decoded(String word) {
    return new String(Base64.getDecoder().decode(word.substring(1)), StandardCharsets.UTF_8);
  }

  private static String encoded(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
