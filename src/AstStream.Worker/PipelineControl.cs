using System.Security.Cryptography;
using System.Text;
using AstStream.Station.Web;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;

namespace AstStream.Worker;

/// <summary>Changes the file of the pipeline that runs, for the page: as a person with an editor would, and one at a time.</summary>
internal sealed class PipelineControl(PipelineRun run, Reloader reloader, string file) : IPipelineControl, IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    public string Version => VersionOf(Read());

    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Thresholds => run.Thresholds;

    private string Target => SectionReader.RealPath(file, Directory.GetCurrentDirectory());

    public async Task<string?> SetThresholdAsync(
        string model, string label, double threshold, string version, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var before = Read();
            if (VersionOf(before) != version)
                return "the pipeline's file was changed meanwhile; look at it again";
            string edited;
            try
            {
                edited = ThresholdEdit.Apply(before, run.HasOneModel ? null : model, label, threshold);
            }
            catch (InvalidOperationException e)
            {
                return e.Message;
            }

            Write(edited);
            if (await reloader.ReloadAsync(isAsked: false, cancellation).ConfigureAwait(false) is not { } refusal)
                return null;
            Write(before);
            return refusal;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{file}: can't be changed: {e.Message}";
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private static string VersionOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];

    private string Read() => File.ReadAllText(Target);

    /// <summary>Puts a text in the file's place at once: whoever reads it sees the old one or the new one.</summary>
    private void Write(string text)
    {
        var (target, temporary) = (Target, Target + ".new");
        File.WriteAllText(temporary, text);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(temporary, File.GetUnixFileMode(target));
        File.Move(temporary, target, overwrite: true);
    }
}
