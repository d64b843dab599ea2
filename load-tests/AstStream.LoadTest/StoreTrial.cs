using System.Diagnostics;
using AstStream.Events;
using AstStream.Station.Store;

namespace AstStream.LoadTest;

/// <summary>Fills a store with a year of events, and times what a page asks of it.</summary>
internal static class StoreTrial
{
    private const int Streams = 50;
    private const int Labels = 100;

    public static void Run(string folder, int events)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, "events.db");
        File.Delete(path);
        var (start, random) = (new DateTimeOffset(2025, 11, 1, 0, 0, 0, TimeSpan.Zero), new Random(1));
        StreamIdentity[] streams = [.. Enumerable.Range(0, Streams).Select(i => new StreamIdentity($"mic {i}", "mics", start))];
        var model = new ModelIdentity("0123456789abcdef", "float32", "cpu");
        var step = TimeSpan.FromDays(365).TotalSeconds / events;
        var id = new byte[10];
        var clock = Stopwatch.StartNew();
        using (var writer = StoreWriter.Open(path, TimeProvider.System))
        {
            for (var i = 0; i < events; i++)
            {
                random.NextBytes(id);
                var label = (int)(Labels * Math.Pow(random.NextDouble(), 3)); // some are common, most are rare
                var opened = new SoundEvent(
                    Convert.ToHexStringLower(id), EventState.Opened, streams[random.Next(Streams)], "model", $"label {label}", i * step,
                    (i * step) + 1, 0.5f, 0.5f)
                { HeardBy = model };
                writer.Add(opened);
                writer.Add(opened with { State = EventState.Closed, Offset = opened.Onset + 3, Score = random.NextSingle() });
                if (writer.Waiting >= 2000)
                    writer.Commit();
                if ((i + 1) % (events / 10) == 0)
                    Console.WriteLine($"{i + 1:N0} events, opened and closed: {(i + 1) / clock.Elapsed.TotalSeconds:N0} a second");
            }

            writer.Commit();
        }

        Console.WriteLine($"{new FileInfo(path).Length / 1e6:N0} MB");
        using var reader = StoreReader.Open(path);
        var end = start.AddDays(365);
        var day = start.AddDays(200);
        (string Name, Func<int> Ask)[] questions =
        [
            ("the latest 100", () => reader.Events(new EventQuery { Limit = 100 }).Count()),
            ("the latest 100 of a common label", () => reader.Events(new EventQuery { Labels = ["label 0"], Limit = 100 }).Count()),
            ("the latest 100 of a rare label", () => reader.Events(new EventQuery { Labels = ["label 99"], Limit = 100 }).Count()),
            ("the latest 100 of two labels",
                () => reader.Events(new EventQuery { Labels = ["label 0", "label 99"], Limit = 100 }).Count()),
            ("the latest 100 of a stream", () => reader.Events(new EventQuery { Streams = ["mic 7"], Limit = 100 }).Count()),
            ("the latest 100 of a label in a stream",
                () => reader.Events(new EventQuery { Streams = ["mic 7"], Labels = ["label 50"], Limit = 100 }).Count()),
            ("the latest 100 of a score of 0.99", () => reader.Events(new EventQuery { MinScore = 0.99, Limit = 100 }).Count()),
            ("100 of a day", () => reader.Events(new EventQuery { Since = day, Until = day.AddDays(1), Limit = 100 }).Count()),
            ("all of a label on a day",
                () => reader.Events(new EventQuery { Labels = ["label 50"], Since = day, Until = day.AddDays(1) }).Count()),
            ("a day by label", () => reader.Days(new DateOnly(2026, 5, 1), new DateOnly(2026, 5, 1)).Count),
            ("a year by label and day", () => reader.Days(new DateOnly(2025, 11, 1), new DateOnly(2026, 10, 31)).Count),
            ("a year of a stream by label and day",
                () => reader.Days(new DateOnly(2025, 11, 1), new DateOnly(2026, 10, 31), "mic 7").Count),
        ];
        foreach (var (name, ask) in questions)
        {
            var times = new List<double>();
            var rows = 0;
            for (var i = 0; i < 7; i++)
            {
                var began = Stopwatch.GetTimestamp();
                rows = ask();
                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }

            Console.WriteLine($"{name}: {rows:N0} rows; first {times[0]:0.0} ms, median {times.Order().ElementAt(3):0.0} ms");
        }
    }
}
