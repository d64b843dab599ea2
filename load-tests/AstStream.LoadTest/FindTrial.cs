using System.Diagnostics;
using AstStream.Events;
using AstStream.Station.Find;
using AstStream.Station.Store;

namespace AstStream.LoadTest;

/// <summary>Fills a store with events that have embeddings, and times searches for what sounds alike, and maps.</summary>
internal static class FindTrial
{
    private const int Dimensions = 192;
    private const int Kinds = 200;

    public static async Task RunAsync(string folder, int events)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, "find.db");
        File.Delete(path);
        Fill(path, events);
        await using var finder = new SoundFinder(path, TimeProvider.System);
        using var process = Process.GetCurrentProcess();
        GC.Collect();
        process.Refresh();
        var before = process.WorkingSet64;
        var random = new Random(2);
        var times = new List<double>();
        var found = 0;
        for (var i = 0; i < 101; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var id = Id(random.Next(events));
            found = (await finder.LikeAsync(id, new EventQuery(), 50, CancellationToken.None))!.Count;
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        process.Refresh();
        Console.WriteLine($"{events:N0} events, {found} found: first {times[0]:0} ms, then p50 {times.Skip(1).Order().ElementAt(50):0} ms, "
            + $"at most {times.Skip(1).Max():0} ms; {(process.WorkingSet64 - before) / 1e6:0} MB more");
        foreach (var count in (int[])[500, 1000, 2000])
        {
            var began = Stopwatch.GetTimestamp();
            await finder.MapAsync(new EventQuery { Limit = count }, CancellationToken.None);
            Console.WriteLine($"map of {count}: {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms");
        }
    }

    private static void Fill(string path, int events)
    {
        var (start, random) = (new DateTimeOffset(2025, 11, 1, 0, 0, 0, TimeSpan.Zero), new Random(1));
        var stream = new StreamIdentity("mic", "mic", start);
        var model = new ModelIdentity("0123456789abcdef", "float32", "cpu");
        float[][] kinds = [.. Enumerable.Range(0, Kinds).Select(_ => Vector(random, new float[Dimensions]))];
        var clock = Stopwatch.StartNew();
        using var writer = StoreWriter.Open(path, TimeProvider.System);
        for (var i = 0; i < events; i++)
        {
            var kind = random.Next(Kinds);
            writer.Add(new SoundEvent(Id(i), EventState.Closed, stream, "model", $"label {kind}", i * 10.0, (i * 10.0) + 3, 0.5f, 0.5f)
            {
                HeardBy = model,
                Embedding = Array.ConvertAll(Vector(random, kinds[kind]), v => (Half)v),
            });
            if (writer.Waiting >= 2000)
                writer.Commit();
        }

        writer.Commit();
        Console.WriteLine($"{events / clock.Elapsed.TotalSeconds:N0} events a second with their embeddings; "
            + $"{new FileInfo(path).Length / 1e6:N0} MB");
    }

    private static string Id(int number) => $"{number:x20}";

    private static float[] Vector(Random random, float[] about) =>
        Array.ConvertAll(about, v => v + (float)(random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5));
}
