using AstStream.Learning.Evaluation;

namespace AstStream.Tests.Learning;

public sealed class TruthTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The same two events, as people's programs write them.</summary>
    [Theory]
    [InlineData("yard.txt", "1.5\t2.25\tdog\n7\t9\tcat meow\n")] // sed_eval, Audacity
    [InlineData("yard.txt", "1.5\t2.25\tdog\n\\\t100.0\t4000.0\n7\t9\tcat meow\n\n")] // Audacity with frequencies
    [InlineData("yard.csv", "onset;offset;label\r\n1.5;2.25;dog\r\n7;9;cat meow\r\n")]
    [InlineData("all.tsv", "filename\tonset\toffset\tevent_label\nsound/yard.wav\t1.5\t2.25\tdog\nyard.wav\t7\t9\tcat meow\n")] // DCASE
    [InlineData("all.tsv", "yard.wav\nyard.wav\t1.5\t2.25\tdog\nyard.wav\t7\t9\tcat meow\n")] // a file's name alone first
    [InlineData(
        "yard.Table.1.selections.txt",
        "Selection\tView\tBegin Time (s)\tEnd Time (s)\tAnnotation\n1\tWaveform 1\t1.5\t2.25\tdog\n1\tSpectrogram 1\t1.5\t2.25\tdog\n"
            + "2\tWaveform 1\t7\t9\tcat meow\n2\tSpectrogram 1\t7\t9\tcat meow\n")] // Raven, with a line a view
    [InlineData("all.csv", "yard.flac,1.5,2.25,dog\nyard.flac,7,9,\"cat meow\"\n")]
    [InlineData(
        "yard.Table.1.selections.txt",
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n"
            + "1\tSpectrogram 1\t1\t1.500000000\t2.250000000\t0\t8000\tdog\n2\tSpectrogram 1\t1\t7\t9\t0\t8000\tcat meow\n")] // Raven
    public void Read_AnyForm_GivesTheSameEvents(string name, string table)
    {
        File.WriteAllText(Path.Combine(_folder, name), table);
        foreach (var path in (string[])[_folder, Path.Combine(_folder, name)])
        {
            var truth = Truth.Read(path);
            Assert.Equal([new TimedLabel("yard", "dog", 1.5, 2.25), new TimedLabel("yard", "cat meow", 7, 9)], truth.Events);
            Assert.Equal(["yard"], truth.Files);
        }
    }

    [Fact]
    public void Read_CommasInQuotes_ArePartOfTheCell()
    {
        var path = Path.Combine(_folder, "all.csv");
        File.WriteAllText(path, "filename,onset,offset,event_label\n\"yard, north.wav\",1,3,\"Smoke detector, smoke alarm\"\n");

        Assert.Equal([new TimedLabel("yard, north", "Smoke detector, smoke alarm", 1, 3)], Truth.Read(path).Events);
    }

    [Fact]
    public void Read_FilesWithoutEvents_AreKnownToBeSilent()
    {
        File.WriteAllText(Path.Combine(_folder, "all.tsv"), "filename\tonset\toffset\tevent_label\na.wav\t\t\t\nb.wav\t1\t2\tdog\n");
        File.WriteAllText(Path.Combine(_folder, "c.txt"), "");
        var truth = Truth.Read(_folder);
        Assert.Equal(["a", "b", "c"], truth.Files.Order(StringComparer.Ordinal));
        Assert.Single(truth.Events);
    }

    [Theory]
    [InlineData("dog barks\n", "found 'dog barks' in its first line; expected onset, offset and label")]
    [InlineData("1\t2\tdog\n3\tx\tdog\n", "a.txt:2: found 'x' in column 2; expected seconds from the file's start")]
    [InlineData("1\t2\tdog\n-1\t2\tdog\n", "a.txt:2: found '-1' in column 1")]
    [InlineData("1\t2\tdog\nNaN\t2\tdog\n", "a.txt:2: found 'NaN' in column 1")]
    [InlineData("1\t2\tdog\n1e300\t2\tdog\n", "a.txt:2: found '1e300' in column 1")]
    [InlineData("1\t2\tdog\n5\t4\tdog\n", "a.txt:2: the offset, 4, is before the onset, 5")]
    [InlineData("1\t2\tdog\n5\t6\t\n", "a.txt:2: there is no label; expected one in column 3")]
    [InlineData("1\t2\tdog\n5\n", "a.txt:2: found '' in column 2")]
    [InlineData("file\tonset\toffset\tlabel\n\t1\t2\tdog\n", "a.txt:2: there is no file name; expected one in column 1")]
    public void Read_BrokenLine_NamesItAndWhatWasExpected(string table, string message)
    {
        File.WriteAllText(Path.Combine(_folder, "a.txt"), table);
        var e = Assert.Throws<InvalidTruthException>(() => Truth.Read(_folder));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FolderWithoutTables_SaysSo()
    {
        var e = Assert.Throws<InvalidTruthException>(() => Truth.Read(_folder));
        Assert.Contains("holds no table", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a/clips/yard.2026.wav", "yard.2026")]
    [InlineData("yard", "yard")]
    [InlineData("C:\\sound\\yard.flac", "yard")]
    [InlineData("20260501_060000.WAV", "20260501_060000")]
    [InlineData("v1.recording_long", "v1.recording_long")]
    public void NameOf_AnyFile_IsItsNameAlone(string file, string expected) => Assert.Equal(expected, Truth.NameOf(file));
}
