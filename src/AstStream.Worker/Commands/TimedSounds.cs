using System.Globalization;
using AstStream.Dsp;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;

namespace AstStream.Worker.Commands;

/// <summary>Recordings in which people wrote down what sounds when, as clips to learn from.</summary>
internal static class TimedSounds
{
    private const double Longest = 3600; // seconds of a recording
    private const double Slack = 0.5; // seconds by which a table may go beyond its recording
    private const int MostNamed = 3;
    private const int FewEvents = 1000; // of a recording, which are borne however short it is
    private const int MostPerSecond = 10;

    /// <summary>Cuts recordings into pieces.</summary>
    /// <param name="data">A recording, or a folder with recordings, whose folders are looked into, too.</param>
    /// <param name="tables">The tables: one, or a folder of them.</param>
    /// <param name="pieces">Gets them.</param>
    /// <param name="window">The length of a model's window, in seconds.</param>
    /// <param name="nothing">The label of what is nothing.</param>
    /// <param name="stop">Gives up.</param>
    /// <returns>The pieces as clips, and how many recordings can't be read.</returns>
    /// <exception cref="InvalidTruthException">The tables can't be read, or are about other recordings.</exception>
    /// <exception cref="IOException">A piece can't be written.</exception>
    public static async Task<(IReadOnlyList<LabelledClip> Clips, int Failed)> CutAsync(
        string data, string tables, Pieces pieces, double window, string nothing, CancellationToken stop)
    {
        var truth = Truth.Read(tables);
        var recordings = Recordings(data, truth);
        var events = truth.Events.ToLookup(e => e.File, StringComparer.Ordinal);
        var (clips, failed) = (new List<LabelledClip>(), 0);
        using var progress = new ProgressLine("cutting", recordings.Count);
        foreach (var (number, (name, path)) in recordings.Index())
        {
            progress.Step();
            if (await Pieces.ReadAsync(path, Longest, progress, stop).ConfigureAwait(false) is not { } samples)
            {
                failed++;
                continue;
            }

            if (samples.Length >= Longest * FbankOptions.SampleRate)
                Errors.Note($"{path}: its first {Longest / 60:0} minutes are taken");
            List<TimedLabel> inside = [.. events[name]];
            var length = (double)samples.Length / FbankOptions.SampleRate;
            Check(tables, path, inside, length);
            var before = clips.Count;
            foreach (var piece in TimedPieces.Of(inside, length, window, (ulong)number))
            {
                var from = (int)(piece.Begin * FbankOptions.SampleRate);
                var sound = samples.AsSpan(from, Math.Min(samples.Length, (int)(piece.End * FbankOptions.SampleRate)) - from);
                if (sound.Length < FbankOptions.FrameLength || sound.IndexOfAnyExcept(sound[0]) < 0)
                    continue; // silence of one recording is that of another, and says nothing
                clips.Add(
                    pieces.Write(path, piece.Begin, sound, piece.Labels.Count > 0 ? piece.Labels : [nothing], name) with
                    {
                        Times = piece.Times,
                    });
            }

            if (clips.Count == before)
                Errors.Note($"{path}: has nothing to learn from: it is silent, or shorter than a frame of 25 ms");
        }

        progress.Clear();
        Terminal.Status($"{clips.Count} pieces of {recordings.Count - failed} recordings");
        return (clips, failed);
    }

    /// <summary>Refuses a table that is about another recording, and says what of it is not learnt from.</summary>
    private static void Check(string tables, string path, List<TimedLabel> events, double length)
    {
        if (length < Longest && events.Find(e => e.Offset > length + Slack) is { File: not null } beyond)
            throw new InvalidTruthException(string.Create(
                CultureInfo.InvariantCulture,
                $"{tables}: '{beyond.Label}' at {beyond.Onset:0.00} to {beyond.Offset:0.00} s is beyond the end of {path}, which "
                    + $"is {length:0.00} s long; is the table about another recording?"));
        if (events.Count > Math.Max(FewEvents, MostPerSecond * length))
            throw new InvalidTruthException(string.Create(
                CultureInfo.InvariantCulture,
                $"{tables}: has {events.Count} events for {path}, which is {length:0.00} s long; expected at most "
                    + $"{MostPerSecond} a second"));
        if (events.Count(e => e.Onset == e.Offset) is > 0 and var points)
            Errors.Note($"{path}: {points} of its events have no length, and are not learnt from");
    }

    /// <summary>The recordings that tables are about, by name.</summary>
    private static List<(string Name, string Path)> Recordings(string data, Truth truth)
    {
        List<string> files = File.Exists(data) ? [data]
            : Directory.Exists(data)
                ? [.. ClipDataset.SoundBelow(data)]
                : throw new InvalidTruthException($"{data}: there is no such file or folder");
        var byName = files.ToLookup(Truth.NameOf, StringComparer.Ordinal);
        if (byName.FirstOrDefault(g => g.Count() > 1 && truth.Files.Contains(g.Key)) is { } twice)
            throw new InvalidTruthException(
                $"{data}: {string.Join(" and ", twice.Take(2))} have the same name; expected one recording for the table of '{twice.Key}'");
        List<string> missing = [.. truth.Files.Where(f => !byName.Contains(f)).Order(StringComparer.Ordinal)];
        if (missing.Count == truth.Files.Count)
            throw new InvalidTruthException(
                $"{data}: holds no recording that the tables are about ({string.Join(", ", missing.Take(MostNamed))}"
                    + $"{(missing.Count > MostNamed ? ", …" : "")}); expected recordings of these names");
        if (missing.Count > 0)
            Errors.Note($"tables are about recordings that are not in {data}: {Some(missing)}");
        List<string> silent = [.. files.Where(f => !truth.Files.Contains(Truth.NameOf(f)))];
        if (silent.Count > 0)
            Errors.Note($"recordings of {data} that no table says anything of are left out: {Some(silent)}");
        return [.. byName.Where(g => truth.Files.Contains(g.Key)).Select(g => (g.Key, g.First()))];
    }

    private static string Some(List<string> names) =>
        string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? $" and {names.Count - MostNamed} more" : "");
}
