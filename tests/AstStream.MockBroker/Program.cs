using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

// librdkafka's own mock cluster as a process: it prints its servers, takes commands from standard input, and ends with it.
//   topic NAME PARTITIONS      makes a topic
//   errors API CODE...         the next requests of a kind fail so (numbers of the Kafka protocol)
//   rtt MILLISECONDS           every request takes so long
//   down N / up N              a broker is away / is back
//   leader TOPIC PARTITION N   another broker leads a partition
//   coordinator GROUP N        another broker coordinates a group

// The package has builds for several systems; the first that can be loaded here will do.
NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, (_, assembly, path) =>
    ((string[])["librdkafka", "centos8-librdkafka", "alpine-librdkafka"])
        .Select(n => NativeLibrary.TryLoad(n, assembly, path, out var handle) ? handle : 0).FirstOrDefault(h => h != 0));
var brokers = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1;
var error = new byte[512];
var conf = Native.rd_kafka_conf_new();
var client = Native.rd_kafka_new(0, conf, error, error.Length);
if (client == 0)
    throw new InvalidOperationException(Encoding.UTF8.GetString(error));
var cluster = Native.rd_kafka_mock_cluster_new(client, brokers);
Native.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0);
Console.WriteLine(Marshal.PtrToStringUTF8(Native.rd_kafka_mock_cluster_bootstraps(cluster)));
while (Console.ReadLine() is { } line)
{
    var words = line.Split(' ');
    int Number(int at) => int.Parse(words[at], CultureInfo.InvariantCulture);
    var result = words[0] switch
    {
        "topic" => Native.rd_kafka_mock_topic_create(cluster, words[1], Number(2), Math.Min(brokers, 3)),
        "errors" => Errors((short)Number(1), [.. words.Skip(2).Select(w => int.Parse(w, CultureInfo.InvariantCulture))]),
        "rtt" => Enumerable.Range(1, brokers).Max(b => Native.rd_kafka_mock_broker_set_rtt(cluster, b, Number(1))),
        "down" => Native.rd_kafka_mock_broker_set_down(cluster, Number(1)),
        "up" => Native.rd_kafka_mock_broker_set_up(cluster, Number(1)),
        "leader" => Native.rd_kafka_mock_partition_set_leader(cluster, words[1], Number(2), Number(3)),
        "coordinator" => Native.rd_kafka_mock_coordinator_set(cluster, "group", words[1], Number(2)),
        _ => -1,
    };
    Console.WriteLine(result == 0 ? "ok" : $"error {result}");
}

Native.rd_kafka_mock_cluster_destroy(cluster);
Native.rd_kafka_destroy(client);

int Errors(short api, int[] codes)
{
    Native.rd_kafka_mock_push_request_errors_array(cluster, api, codes.Length, codes);
    return 0;
}

/// <summary>librdkafka's mock interface.</summary>
internal static partial class Native
{
    private const string Library = "librdkafka";

    [LibraryImport(Library)]
    public static partial nint rd_kafka_conf_new();

    [LibraryImport(Library)]
    public static partial nint rd_kafka_new(int type, nint conf, byte[] error, nint size);

    [LibraryImport(Library)]
    public static partial void rd_kafka_destroy(nint client);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_mock_cluster_new(nint client, int brokers);

    [LibraryImport(Library)]
    public static partial void rd_kafka_mock_cluster_destroy(nint cluster);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_mock_cluster_bootstraps(nint cluster);

    [LibraryImport(Library)]
    public static partial void rd_kafka_mock_group_initial_rebalance_delay_ms(nint cluster, int delay);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rd_kafka_mock_topic_create(nint cluster, string topic, int partitions, int replicas);

    [LibraryImport(Library)]
    public static partial void rd_kafka_mock_push_request_errors_array(nint cluster, short api, nint count, int[] errors);

    [LibraryImport(Library)]
    public static partial int rd_kafka_mock_broker_set_rtt(nint cluster, int broker, int milliseconds);

    [LibraryImport(Library)]
    public static partial int rd_kafka_mock_broker_set_down(nint cluster, int broker);

    [LibraryImport(Library)]
    public static partial int rd_kafka_mock_broker_set_up(nint cluster, int broker);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rd_kafka_mock_partition_set_leader(nint cluster, string topic, int partition, int broker);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rd_kafka_mock_coordinator_set(nint cluster, string kind, string key, int broker);
}
