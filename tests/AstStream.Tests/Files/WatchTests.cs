using AstStream.Connectors.Files;
using AstStream.Tests.Streaming;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Files;

/// <summary>What a watched folder is made of: which files can be read, and which are done.</summary>
public sealed class WatchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 27, 9, 0, 0, TimeSpan.Zero));

    private string Ledger => Path.Combine(_folder, "below", "done.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Look_FilesThatGrowOrNot_GivesThoseThatStayTheSame()
    {
        var watch = new FolderWatch(TimeSpan.FromSeconds(10), _time);
        var now = _time.GetUtcNow().UtcDateTime;
        (string, long, DateTime) old = ("old", 5, now.AddHours(-1)), future = ("future", 5, now.AddDays(1));

        Assert.Equal([("old", 5L)], watch.Look([old, ("growing", 1, now), future]));
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Empty(watch.Look([("growing", 2, now.AddSeconds(9)), future]));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([("future", 5L)], watch.Look([("growing", 3, now.AddSeconds(10)), future]));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal([("growing", 3L)], watch.Look([("growing", 3, now.AddSeconds(10))]));
        Assert.Equal(0, watch.Growing);
    }

    [Fact]
    public void Ledger_ClosedAndOpenedAgain_KnowsWhatIsDone()
    {
        var ledger = FileLedger.Open(Ledger, _time);
        ledger.Add("/a/höf \"1\".wav", 100, isGood: true);
        ledger.Add("/a/bad.wav", 7, isGood: false);

        foreach (var known in (FileLedger[])[ledger, FileLedger.Open(Ledger, _time)])
        {
            Assert.Equal(2, known.Count);
            Assert.True(known.Has("/a/höf \"1\".wav", 100));
            Assert.True(known.Has("/a/höf \"1\".wav", 200)); // done once
            Assert.True(known.Has("/a/bad.wav", 7));
            Assert.False(known.Has("/a/bad.wav", 8)); // another try, as it has changed
            Assert.False(known.Has("/a/other.wav", 1));
        }
    }

    [Fact]
    public void Ledger_ALineThatACrashCutShort_IsLeftOut()
    {
        FileLedger.Open(Ledger, _time).Add("/a/1.wav", 1, isGood: true);
        File.AppendAllText(Ledger, """{"file":"/a/2.wav","si""");

        var ledger = FileLedger.Open(Ledger, _time);
        ledger.Add("/a/3.wav", 3, isGood: true);

        Assert.False(ledger.Has("/a/2.wav", 2));
        Assert.True(FileLedger.Open(Ledger, _time).Has("/a/3.wav", 3));
    }

    [Theory]
    [InlineData("dear diary\nmonday\n")]
    [InlineData("dear diary")]
    public void Ledger_AFileThatIsNone_IsRefusedAndLeftAlone(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Ledger)!);
        File.WriteAllText(Ledger, text);

        var e = Assert.Throws<IOException>(() => FileLedger.Open(Ledger, _time));

        Assert.Contains("line 1 is no entry of a ledger", e.Message, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(Ledger));
    }

    [Theory]
    [InlineData("watch: true", "sources.s.ledger: is missing beside watch")]
    [InlineData("watch: true, ledger: l, pace: realtime", "stands beside pace: realtime")]
    [InlineData("ledger: l", "is of no use without watch: true")]
    [InlineData("settle: 1s", "is of no use without watch: true")]
    [InlineData("start_time: yesterday", "found 'yesterday'; expected auto, none, or a time")]
    [InlineData("watch: true, ledger: l, start_time: '2026-05-01T06:00:00Z'", "is one time, and there may be several files")]
    [InlineData("time_zone: Mars/Olympus", "found 'Mars/Olympus'; expected local, utc, or a zone")]
    public void Read_Mistakes_SaysWhatIsExpected(string keys, string message)
    {
        var (_, problems) = DefinitionText.Read(
            _folder, $"sources: {{s: {{type: file, path: sounds, {keys}}}}}\nsinks: {{c: {{type: console}}}}\n");

        Assert.Contains(problems, p => p.Contains(message, StringComparison.Ordinal));
    }
}
