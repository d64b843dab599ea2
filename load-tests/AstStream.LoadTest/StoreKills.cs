using System.Diagnostics;
using System.Globalization;
using AstStream.Events;
using AstStream.Station.Store;

namespace AstStream.LoadTest;

/// <summary>
/// Kills a process that writes to a store, at any moment, again and again: what it said to be written must be there, once.
/// </summary>
internal static class StoreKills
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static async Task RunAsync(string folder, int kills)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, "kills.db");
        foreach (var file in (string[])[path, path + "-wal", path + "-shm"])
            File.Delete(file);
        var (random, written, lost, more) = (new Random(1), 0, 0, 0);
        for (var kill = 0; kill < kills; kill++)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
                start.ArgumentList.Add(typeof(StoreKills).Assembly.Location);
            foreach (var argument in (string[])["store-writer", "--folder", folder, "--events", $"{written}"])
                start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            var said = await process.StandardOutput.ReadLineAsync(); // it writes
            var rest = process.StandardOutput.ReadToEndAsync();
            await Task.Delay(random.Next(300));
            process.Kill();
            var lines = $"{said}\n{await rest}".Split('\n')[..^1]; // a line that was cut off is not said
            written = int.Parse(lines[^1], CultureInfo.InvariantCulture);
            var check = StoreCare.Check(path);
            if (check.Problems.Count > 0)
                throw new InvalidDataException($"after kill {kill + 1}: {string.Join("; ", check.Problems)}");
            lost += (int)Math.Max(0, written - check.Events);
            more += (int)Math.Max(0, check.Events - written);
            using var reader = StoreReader.Open(path);
            var days = reader.Days(DateOnly.MinValue, DateOnly.MaxValue).Sum(d => d.Events);
            if (days != check.Events)
                throw new InvalidDataException($"after kill {kill + 1}: the days have {days} events, the store {check.Events}");
            written = (int)check.Events;
        }

        Console.WriteLine(
            $"{kills} kills, {written:N0} events: {lost} lost of those said to be written; {more} there that were not said yet");
    }

    /// <summary>Writes events from a number on until it is killed, and says after each transaction how many there are.</summary>
    public static void Write(string folder, int number)
    {
        using var writer = StoreWriter.Open(Path.Combine(folder, "kills.db"), TimeProvider.System);
        for (var i = number; ;)
        {
            for (var end = i + 1 + Random.Shared.Next(50); i < end; i++)
                writer.Add(new SoundEvent(
                    $"{i + 0x10000000:x8}", EventState.Closed, new StreamIdentity($"mic {i % 7}", "mics", s_start), "model",
                    $"label {i % 11}", i, i + 1, 0.9f, 0.8f));
            writer.Commit();
            Console.WriteLine(i.ToString(CultureInfo.InvariantCulture));
        }
    }
}
