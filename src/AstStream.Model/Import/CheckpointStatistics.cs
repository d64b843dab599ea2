using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;

namespace AstStream.Model.Import;

/// <summary>Changes the mean and std that a checkpoint's input is normalised by.</summary>
public static class CheckpointStatistics
{
    private const double LeastStd = 1e-6; // that a checkpoint may have

    /// <summary>Writes them into a folder's preprocessor_config.json; all else that is in it stays. Its parity.json is made anew.</summary>
    /// <param name="folder">A checkpoint's folder.</param>
    /// <param name="mean">Mean log-mel of the training data.</param>
    /// <param name="std">Its standard deviation.</param>
    /// <param name="cacheFolder">The product's cache.</param>
    /// <exception cref="InvalidCheckpointException">The folder is no checkpoint, or keeps its statistics elsewhere.</exception>
    /// <exception cref="IOException">It can't be written.</exception>
    public static void Write(string folder, double mean, double std, string cacheFolder)
    {
        if (!double.IsFinite(mean) || !(std >= LeastStd))
            throw new InvalidCheckpointException(
                $"{folder}: stays as it is: a mean of {mean} and a std of {std} are of no sound; expected a std of at least {LeastStd}");
        string extractor, parity;
        using (var before = AstCheckpoint.OpenForOutputs(folder))
        {
            extractor = before.Files!.Extractor;
            parity = Path.Combine(before.Folder, ParityCheck.FileName);
        }

        if (Path.GetFileName(extractor) != CheckpointFolder.ExtractorFile)
            throw new InvalidCheckpointException(
                $"{extractor}: keeps the statistics; expected {CheckpointFolder.ExtractorFile}, which aststream model import writes");
        GraphCache.WriteAside(extractor, ConfigEdit.Changed(File.ReadAllBytes(extractor), extractor, json =>
        {
            json["mean"] = Math.Round(mean, 7);
            json["std"] = Math.Round(std, 7);
        }));
        if (!File.Exists(parity))
            return;
        using var after = AstCheckpoint.OpenForOutputs(folder);
        ParityCheck.Write(after, parity, cacheFolder);
    }
}
