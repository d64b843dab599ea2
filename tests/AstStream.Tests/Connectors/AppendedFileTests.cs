using System.Diagnostics;
using AstStream.Connectors.Files;
using AstStream.Streaming.Sinks;

namespace AstStream.Tests.Connectors;

public sealed class AppendedFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    private string Log => Path.Combine(_folder, "out.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Append_FileIsCutToNothingMeanwhile_LeavesNoHole()
    {
        using var file = AppendedFile.Open(Log);
        file.Append("one\n"u8);
        File.Copy(Log, Log + ".1");
        using (var cut = new FileStream(Log, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            cut.SetLength(0); // as logrotate's copytruncate does

        Assert.True(file.IsStillThere());
        Assert.Equal(0, file.Length);
        file.Append("two\n"u8);

        Assert.Equal(("one\n", "two\n"), (Text(Log + ".1"), Text(Log)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void IsStillThere_MovedOrRemoved_SaysNo(bool isMoved)
    {
        using var file = AppendedFile.Open(Log);
        Assert.True(file.IsStillThere());
        if (isMoved)
            File.Move(Log, Log + ".1");
        else
            File.Delete(Log);

        Assert.False(file.IsStillThere());
        File.WriteAllText(Log, "");
        Assert.False(file.IsStillThere()); // another one of its name
    }

    [Fact]
    public void Open_SecondWriter_IsRefusedUntilTheFirstIsGone()
    {
        using (AppendedFile.Open(Log))
        {
            var e = Assert.Throws<SinkException>(() => AppendedFile.Open(Log));
            Assert.Equal($"{Log}: another process writes to it; give each its own file", e.Message);
        }

        AppendedFile.Open(Log).Dispose();
    }

    [Fact]
    public void Open_OthersThatRead_AreNotShutOut()
    {
        using var file = AppendedFile.Open(Log);
        file.Append("one\n"u8);

        Assert.Equal("one\n", File.ReadAllText(Log));
    }

    [Fact]
    public void Open_LineThatWasCutShort_IsEnded()
    {
        File.WriteAllText(Log, "{\"id\":\"ab");
        using (var file = AppendedFile.Open(Log))
            file.Append("{}\n"u8);

        Assert.Equal("{\"id\":\"ab\n{}\n", Text(Log));
    }

    [Fact]
    public async Task Open_NamedPipe_IsRefusedAtOnce()
    {
        using (var make = Process.Start("mkfifo", [Log]))
            await make.WaitForExitAsync();

        var e = Assert.Throws<SinkException>(() => AppendedFile.Open(Log));
        Assert.Contains("is a pipe; expected a file", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Append_DiskIsFull_SaysSo()
    {
        using var file = AppendedFile.Open("/dev/full");

        Assert.Contains(
            "No space left on device", Assert.Throws<IOException>(() => file.Append("one\n"u8)).Message, StringComparison.Ordinal);
    }

    private static string Text(string path) => File.ReadAllText(path);
}
